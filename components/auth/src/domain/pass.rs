//! Review passes: RFC 9497's VOPRF, suite ristretto255-SHA512, as `docs/passes.md` writes it down.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use voprf::{BlindedElement, Group, Ristretto255, VoprfServer};

/// Of a review key's public half (RFC 8032).
pub(crate) const PUBLIC_KEY_BYTES: usize = 32;

/// Of a pass: the output of SHA-512.
pub(crate) const PASS_BYTES: usize = 64;

/// The key of one hospital and year.
pub(crate) struct PassKey(VoprfServer<Ristretto255>);

/// A group element that a browser has blinded.
pub(crate) struct Blinded(BlindedElement<Ristretto255>);

/// What a browser is answered, each in base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evaluation {
    pub(crate) evaluated_element: String,
    /// Challenge and response that prove the key (RFC 9497 section 2.2.1).
    pub(crate) proof: String,
}

impl Blinded {
    /// From base64url; `None` for anything but the one encoding of an element, and for the identity.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = decode(text)?;
        BlindedElement::deserialize(&bytes).ok().map(Self)
    }
}

impl PassKey {
    /// DeriveKeyPair of RFC 9497 section 3.2.1.
    pub(crate) fn derive(seed: &[u8; 32], hospital_id: &str, year: i64) -> Result<Self, String> {
        let info = canonical::netstrings(&["jinmaek-pass-v1", hospital_id, &year.to_string()]);
        VoprfServer::new_from_seed(seed, &info).map(Self).map_err(|error| error.to_string())
    }

    /// In base64url.
    pub(crate) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(Ristretto255::serialize_elem(self.0.get_public_key()))
    }

    pub(crate) fn evaluate(
        &self,
        blinded: &Blinded,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Evaluation {
        let result = self.0.blind_evaluate(random, &blinded.0);
        Evaluation {
            evaluated_element: URL_SAFE_NO_PAD.encode(result.message.serialize()),
            proof: URL_SAFE_NO_PAD.encode(result.proof.serialize()),
        }
    }

    /// Whether `pass` was made of this key for the review key `public_key`.
    pub(crate) fn redeems(
        &self,
        public_key: &[u8; PUBLIC_KEY_BYTES],
        pass: &[u8; PASS_BYTES],
    ) -> bool {
        self.0.evaluate(public_key).is_ok_and(|expected| bool::from(expected[..].ct_eq(&pass[..])))
    }
}

/// Exactly this many bytes in base64url without padding.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Twice as long is wrong for sure, and not worth decoding.
    if text.len() > 2 * N {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use voprf::{EvaluationElement, Proof, VoprfClient};

    use super::*;

    /// RFC 9497 appendix A.1.2, ristretto255-SHA512 in VOPRF mode.
    const SEED: [u8; 32] = [0xa3; 32];
    const KEY_INFO: &[u8] = b"test key";
    const PUBLIC: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";
    const PROOF_RANDOM_SCALAR: &str =
        "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e";

    struct Vector {
        input: &'static str,
        blinded_element: &'static str,
        evaluation_element: &'static str,
        proof: &'static str,
        output: &'static str,
    }

    const VECTORS: [Vector; 2] = [
        Vector {
            input: "00",
            blinded_element: "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            evaluation_element: "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            proof: "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06\
                    6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
            output: "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d\
                     a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c",
        },
        Vector {
            input: "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
            blinded_element: "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
            evaluation_element: "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
            proof: "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a\
                    67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
            output: "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60\
                     356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6",
        },
    ];

    /// Gives the vectors' scalar where the proof draws one.
    struct Fixed(Vec<u8>);

    impl RngCore for Fixed {
        fn next_u32(&mut self) -> u32 {
            0
        }

        fn next_u64(&mut self) -> u64 {
            0
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            bytes.fill(0);
            bytes[..self.0.len()].copy_from_slice(&self.0);
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
            self.fill_bytes(bytes);
            Ok(())
        }
    }

    impl CryptoRng for Fixed {}

    fn hex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    fn base64(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hex(text))
    }

    fn rfc_key() -> PassKey {
        PassKey(VoprfServer::new_from_seed(&SEED, KEY_INFO).unwrap())
    }

    #[test]
    fn keys_are_derived_as_rfc_9497_does() {
        assert_eq!(rfc_key().public(), base64(PUBLIC));
    }

    #[test]
    fn elements_are_evaluated_and_proven_as_in_rfc_9497() {
        for vector in VECTORS {
            let blinded = Blinded::decode(&base64(vector.blinded_element)).unwrap();
            let random = &mut Fixed(hex(PROOF_RANDOM_SCALAR));
            let evaluation = rfc_key().evaluate(&blinded, random);
            assert_eq!(evaluation.evaluated_element, base64(vector.evaluation_element));
            assert_eq!(evaluation.proof, base64(vector.proof));
            let output = rfc_key().0.evaluate(&hex(vector.input)).unwrap();
            assert_eq!(output.to_vec(), hex(vector.output));
        }
    }

    /// The fixed half of a browser's part: what it gets out of blinding and finalising.
    fn finalise(key: &PassKey, public_key: &[u8; 32]) -> [u8; PASS_BYTES] {
        let random = &mut Fixed(vec![7; 31]);
        let blind = VoprfClient::<Ristretto255>::blind(public_key, random).unwrap();
        let blinded = Blinded::decode(&URL_SAFE_NO_PAD.encode(blind.message.serialize())).unwrap();
        let evaluation = key.evaluate(&blinded, &mut Fixed(vec![9; 31]));
        let element = decode::<32>(&evaluation.evaluated_element).unwrap();
        let proof = decode::<64>(&evaluation.proof).unwrap();
        let element = EvaluationElement::deserialize(&element).unwrap();
        let proof = Proof::deserialize(&proof).unwrap();
        let logged = Ristretto255::deserialize_elem(&decode::<32>(&key.public()).unwrap()).unwrap();
        blind.state.finalize(public_key, &element, &proof, logged).unwrap().into()
    }

    #[test]
    fn a_pass_redeems_for_its_key_hospital_and_year_only() {
        let key = |hospital, year| PassKey::derive(&SEED, hospital, year).unwrap();
        let pass = finalise(&key("SYN-0001", 2026), &[1; 32]);
        assert!(key("SYN-0001", 2026).redeems(&[1; 32], &pass));
        assert!(!key("SYN-0001", 2026).redeems(&[2; 32], &pass));
        assert!(!key("SYN-0001", 2027).redeems(&[1; 32], &pass));
        assert!(!key("SYN-0002", 2026).redeems(&[1; 32], &pass));
        let mut tampered = pass;
        tampered[63] ^= 1;
        assert!(!key("SYN-0001", 2026).redeems(&[1; 32], &tampered));
    }

    /// What an independent implementation, @cloudflare/voprf-ts, derives of the same seed.
    #[test]
    fn the_key_of_a_hospital_and_year_is_the_agreed_one() {
        let key = PassKey::derive(&SEED, "SYN-0001", 2026).unwrap();
        assert_eq!(key.public(), "OMBsQKdAGPEd4_CZP6Pxga_n_QwIIjkU-yT7hY5rTVA");
    }

    #[test]
    fn what_is_no_element_is_refused() {
        let identity = URL_SAFE_NO_PAD.encode([0; 32]);
        let large = URL_SAFE_NO_PAD.encode([0xff; 32]);
        let padded = format!("{}=", base64(VECTORS[0].blinded_element));
        let long = "A".repeat(1 << 20);
        for text in ["", "A", "*", &identity, &large, &padded, &long] {
            assert!(Blinded::decode(text).is_none(), "{}", &text[..text.len().min(50)]);
        }
    }
}
