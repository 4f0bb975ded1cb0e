//! Whose word is taken, over HTTPS, on who a server is: that of the public
//! authorities of the web, or of those in a file and no others. An agency's
//! servers mostly have their certificates from an authority of its own.

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Bytes of a file of certificates, at most.
pub const MAX_CERTIFICATES_FILE: usize = 1024 * 1024;

/// Who is trusted to say who a server is.
#[derive(Clone, Debug)]
pub struct Authorities {
    roots: RootCerts,
    /// The file that they are from, if they are.
    file: Option<String>,
    /// The option that such a file is given with.
    option: &'static str,
}

/// Why a file says of nobody that it is trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthorities {
    /// Too long.
    #[error("it has more than {MAX_CERTIFICATES_FILE} bytes; leave out what is not needed")]
    TooLong,
    /// A part of it is damaged.
    #[error("a part of it is no PEM: {0}; take it anew from who runs the authority")]
    Pem(String),
    /// It has other things, or none.
    #[error(
        "it holds no certificate; give the authority's in PEM, which begins with \
         '-----BEGIN CERTIFICATE-----'"
    )]
    None,
}

impl Authorities {
    /// The public ones of the web, as this program was built with them. The
    /// option is what errors tell people to give others with.
    pub fn public(option: &'static str) -> Authorities {
        Authorities {
            roots: RootCerts::WebPki,
            file: None,
            option,
        }
    }

    /// Those in a file, PEM, and no others. What is no certificate is passed
    /// over.
    pub fn from_pem(
        pem: &[u8],
        file: String,
        option: &'static str,
    ) -> Result<Authorities, BadAuthorities> {
        if pem.len() > MAX_CERTIFICATES_FILE {
            return Err(BadAuthorities::TooLong);
        }
        let mut certificates: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                Ok(_) => {}
                Err(why) => return Err(BadAuthorities::Pem(why.to_string())),
            }
        }
        if certificates.is_empty() {
            return Err(BadAuthorities::None);
        }
        Ok(Authorities {
            roots: RootCerts::from(certificates),
            file: Some(file),
            option,
        })
    }

    /// For an agent's configuration.
    pub fn tls(&self) -> TlsConfig {
        let roots = self.roots.clone();
        TlsConfig::builder().root_certs(roots).build()
    }

    /// Whether an error is that a server's certificate was not believed: to ask
    /// again is no use.
    pub fn refuse(&self, error: &ureq::Error) -> bool {
        // TLS' own error is in there only as text.
        error.to_string().contains("peer certificate")
    }

    /// An error in words; where a server's certificate was not believed, with
    /// who would have been.
    pub fn explain(&self, error: &ureq::Error) -> String {
        let (text, option) = (error.to_string(), self.option);
        if !self.refuse(error) {
            return text;
        }
        match &self.file {
            Some(file) => {
                format!("{text}; trusted are the authorities in {file} ({option}) and no others")
            }
            None => format!(
                "{text}; trusted are the public authorities of the web: if the server has its \
                 certificate from another, give that one's with {option} FILE"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    /// Not one that anybody could believe: what is inside is for TLS to judge.
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    const OTHER: &str = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

    #[test]
    fn a_file_without_a_certificate_is_refused_and_words_around_one_are_passed_over() {
        let read = |text: &str| Authorities::from_pem(text.as_bytes(), "ca.pem".into(), "--ca");
        for text in ["", "noise\n", OTHER] {
            assert_eq!(read(text).unwrap_err(), BadAuthorities::None, "{text:?}");
        }
        let cut = CERTIFICATE.replace("-----END CERTIFICATE-----\n", "");
        for text in [cut, CERTIFICATE.replace("MAA=", "M A=")] {
            let bad = read(&text).unwrap_err();
            assert!(matches!(bad, BadAuthorities::Pem(_)), "{text:?}: {bad}");
        }
        let long = " ".repeat(MAX_CERTIFICATES_FILE + 1);
        assert_eq!(read(&long).unwrap_err(), BadAuthorities::TooLong);
        let two = format!("an agency\n{CERTIFICATE}{OTHER}{CERTIFICATE}");
        let RootCerts::Specific(roots) = read(&two).unwrap().roots else {
            unreachable!("they are from a file");
        };
        assert_eq!(roots.len(), 2);
    }
}
