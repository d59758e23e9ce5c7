//! Argon2id whose memory is returned to the system after each hash.
//!
//! glibc maps a large block separately and unmaps it when it is freed, but then raises its mmap
//! threshold to the size of that block, up to 32 MiB. Later blocks come from per-thread heaps that
//! keep them: 19 MiB for each thread that ever computed a hash. Blocks above 32 MiB are always
//! mapped separately, and untouched pages cost nothing.

use argon2::{
    Algorithm, Argon2, Block, CustomizedPasswordHasher, Params, PasswordHasher, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};

/// Just above 32 MiB, the maximum of glibc's dynamic mmap threshold.
const MAPPED: usize = (32 << 20) / Block::SIZE + 1;

/// Creates and verifies hashes like [`Argon2`].
#[derive(Default)]
pub(super) struct Argon2id {
    version: Version,
    params: Params,
}

fn memory(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks.max(MAPPED));
    memory.resize(blocks, Block::new());
    memory
}

impl PasswordHasher<PasswordHash> for Argon2id {
    fn hash_password_with_salt(
        &self,
        password: &[u8],
        salt: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        let length = self.params.output_len();
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = buffer
            .get_mut(..length.unwrap_or(Params::DEFAULT_OUTPUT_LEN))
            .ok_or(password_hash::Error::OutputSize)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, self.version, self.params.clone());
        let memory = memory(self.params.block_count());
        argon2.hash_password_into_with_memory(password, salt, output, memory)?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(output)?),
        })
    }
}

/// Computes a hash with given version and parameters, which verification needs.
impl CustomizedPasswordHasher<PasswordHash> for Argon2id {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<password_hash::Version>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        match algorithm.map(Algorithm::try_from).transpose()? {
            None | Some(Algorithm::Argon2id) => {}
            Some(_) => return Err(password_hash::Error::Algorithm),
        }
        let version = version.map(Version::try_from).transpose()?;
        let hasher = Self {
            version: version.unwrap_or_default(),
            params,
        };
        hasher.hash_password_with_salt(password, salt)
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    const PASSWORD: &[u8] = b"correct horse battery";
    const SALT: &[u8] = b"sixteen bytes it";

    #[test]
    fn hashes_equal_those_of_the_argon2_crate() {
        let own = Argon2id::default().hash_password_with_salt(PASSWORD, SALT);
        let known = Argon2::default().hash_password_with_salt(PASSWORD, SALT);
        assert_eq!(own.unwrap().to_string(), known.unwrap().to_string());
    }

    #[test]
    fn hash_is_verified_with_its_own_version_and_parameters() {
        let params = Params::new(64, 3, 2, Some(20)).unwrap();
        let other = Argon2::new(Algorithm::Argon2id, Version::V0x10, params);
        let hash = other.hash_password_with_salt(PASSWORD, SALT).unwrap();
        let check = |password: &[u8]| Argon2id::default().verify_password(password, &hash);
        assert_eq!(check(PASSWORD), Ok(()));
        let wrong = Err(password_hash::Error::PasswordInvalid);
        assert_eq!(check(b"correct horse batter"), wrong);
    }

    #[test]
    fn other_algorithm_is_rejected() {
        let other = Argon2::new(Algorithm::Argon2d, Version::V0x13, Params::default());
        let hash = other.hash_password_with_salt(PASSWORD, SALT).unwrap();
        let checked = Argon2id::default().verify_password(PASSWORD, &hash);
        assert_eq!(checked, Err(password_hash::Error::Algorithm));
    }
}
