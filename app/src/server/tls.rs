//! Certificate and key, read once at the start. Whatever is wrong with either is told together, by the setting that
//! names it.

use rustls::Error;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use truecount::config::{Mistake, TlsFiles, plain_file};

/// Reads certificate and key.
pub fn read(files: &TlsFiles) -> Result<TlsAcceptor, Vec<Mistake>> {
    let pair = match (certificates(&files.cert), private_key(&files.key)) {
        (Ok(chain), Ok(key)) => acceptor(chain, key).map_err(|error| match error {
            Error::InvalidCertificate(why) => {
                vec![certificate_mistake(format!("{} holds no usable certificate: {why}", files.cert.display()))]
            }
            Error::InconsistentKeys(_) => {
                let cert = files.cert.display();
                vec![key_mistake(format!("{} does not belong to the certificate in {cert}", files.key.display()))]
            }
            other => vec![key_mistake(format!("{} cannot be used: {other}", files.key.display()))],
        }),
        (chain, key) => {
            Err(chain.err().map(certificate_mistake).into_iter().chain(key.err().map(key_mistake)).collect())
        }
    };
    pair.map(|config| TlsAcceptor::from(Arc::new(config)))
}

fn certificate_mistake(wrong: String) -> Mistake {
    Mistake { name: "TLS_CERT_FILE", wrong, example: "/etc/truecount/tls.crt" }
}

fn key_mistake(wrong: String) -> Mistake {
    Mistake { name: "TLS_KEY_FILE", wrong, example: "/etc/truecount/tls.key" }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    plain_file(file).map_err(|error| unreadable(file, error))?;
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(file, error))?;
    if chain.is_empty() { Err(format!("{} holds no certificate in PEM", file.display())) } else { Ok(chain) }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    plain_file(file).map_err(|error| unreadable(file, error))?;
    PrivateKeyDer::from_pem_file(file).map_err(|error| match error {
        pem::Error::NoItemsFound => format!("{} holds no private key in PEM", file.display()),
        error => unreadable(file, error),
    })
}

fn unreadable(file: &Path, why: impl std::fmt::Display) -> String {
    format!("{} cannot be read: {why}", file.display())
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<rustls::ServerConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
