//! TLS to a database server: who is trusted, and the driver's view of a connection.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use super::address::Tls;
use super::messages::Bounded;
use crate::net::Stream;
use crate::tls::{ROOTS, certificates};

/// Those in `pem`, at least one, that a component trusts besides the public ones.
pub(super) fn root_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    certificates(pem.as_bytes()).map_err(|error| format!("the root certificate {error}"))
}

/// Connects with TLS to one host, as often as asked.
#[derive(Clone)]
pub(super) struct Connector {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// `own_roots` is PEM of root certificates that are trusted beside the public ones.
    pub(super) fn new(tls: Tls, host: &str, own_roots: Option<&str>) -> Result<Self, String> {
        let mut roots = Arc::clone(&ROOTS);
        for certificate in own_roots.map(root_certificates).transpose()?.unwrap_or_default() {
            let roots = Arc::make_mut(&mut roots);
            roots.add(certificate).map_err(|_| "the root certificate is not valid".to_owned())?;
        }
        let builder = ClientConfig::builder();
        let provider = Arc::clone(builder.crypto_provider());
        let rule = match tls {
            Tls::Prefer if own_roots.is_none() => Some(Rule::Anyone),
            Tls::Authority => {
                let webpki = WebPkiServerVerifier::builder_with_provider(
                    Arc::clone(&roots),
                    Arc::clone(&provider),
                );
                Some(Rule::AnyName(webpki.build().map_err(|error| error.to_string())?))
            }
            Tls::Off | Tls::Prefer | Tls::Full => None,
        };
        let config = match rule {
            Some(rule) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lenient { rule, provider })),
            None => builder.with_root_certificates(roots),
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "`host` in the address is no valid name".to_owned())?;
        Ok(Self { connector: Arc::new(config.with_no_client_auth()).into(), name })
    }
}

/// Accepts more certificates than those for the host's name from a known authority.
#[derive(Debug)]
struct Lenient {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Rule {
    Anyone,
    AnyName(Arc<WebPkiServerVerifier>),
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Rule::AnyName(webpki) = &self.rule else { return Ok(ServerCertVerified::assertion()) };
        match webpki.verify_server_cert(certificate, chain, name, ocsp, now) {
            // The name is looked at last, when everything else was found to be in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl TlsConnect<Bounded<TcpStream>> for Connector {
    type Stream = Bounded<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, stream: Bounded<TcpStream>) -> Self::Future {
        Box::pin(async move {
            let (stream, received) = stream.into_parts();
            let stream = self.connector.connect(self.name, stream).await?;
            Ok(Bounded::new(Stream::secure(stream, None), received, 0))
        })
    }
}

impl TlsStream for Bounded<Stream> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
