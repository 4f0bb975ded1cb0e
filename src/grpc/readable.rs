//! Puts our own words on what tonic says of a request that it cannot decode:
//! such a request never reaches a service, so its status is changed on the
//! way out.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

use super::errors::explained;

/// A generated server whose decoding errors are told as ours.
#[derive(Clone)]
pub(super) struct Readable<S>(pub S);

impl<S: NamedService> NamedService for Readable<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Readable<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            let response = answer.await?;
            // An answer that is a status alone carries it in its headers, and
            // ours carry details; tonic's own have none.
            let status = Status::from_header_map(response.headers());
            Ok(match status.filter(|status| status.details().is_empty()) {
                Some(status) => explained(status).into_http(),
                None => response,
            })
        })
    }
}
