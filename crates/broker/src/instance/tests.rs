use std::os::unix::fs::{DirBuilderExt, MetadataExt as _, PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

/// A folder of mode 0700 that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!(
            "withheld-instance-{name}-{}",
            rustix::process::getpid().as_raw_nonzero()
        ));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

#[test]
fn a_home_has_one_broker() {
    let folder = Folder::new("lock");
    let lock = folder.at("lock");
    let first = Instance::take(&lock, Duration::ZERO).unwrap();
    assert_eq!(
        code(Instance::take(&lock, Duration::ZERO)),
        Some(Code::Conflict)
    );
    drop(first);
    assert!(Instance::take(&lock, Duration::ZERO).is_ok());
    let mode = std::fs::metadata(&lock).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_lock_that_is_a_link_is_refused() {
    let folder = Folder::new("lock-link");
    std::fs::write(folder.at("elsewhere"), b"").unwrap();
    symlink(folder.at("elsewhere"), folder.at("lock")).unwrap();
    assert!(Instance::take(&folder.at("lock"), Duration::ZERO).is_err());
}

#[tokio::test]
async fn l05_sockets_are_made_private_and_stale_ones_replaced() {
    let folder = Folder::new("socket");
    let path = folder.at("owner.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let mut socket = bind(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (client, accepted) = tokio::join!(tokio::net::UnixStream::connect(&path), socket.accept());
    assert!(withheld_system::socket::is_own(&client.unwrap()));
    assert!(accepted.unwrap().is_some());
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn l05_what_is_no_socket_of_ours_is_refused() {
    let folder = Folder::new("squatted");
    std::fs::write(folder.at("file"), b"").unwrap();
    assert_eq!(code(bind(&folder.at("file"))), Some(Code::ConfigInvalid));
    symlink(folder.at("nowhere"), folder.at("link")).unwrap();
    assert_eq!(code(bind(&folder.at("link"))), Some(Code::ConfigInvalid));
    std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code(bind(&folder.at("new"))), Some(Code::ConfigInvalid));
}
