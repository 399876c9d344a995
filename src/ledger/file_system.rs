//! What the file system under the ledger is, and how much room it has.

use std::path::Path;

use super::{Fault, FaultKind};

/// File systems on which locks or shared memory are not to be trusted, by the number statfs(2) gives them.
#[cfg(target_os = "linux")]
const NETWORKED: [(u32, &str); 8] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
];

/// The number of every FUSE file system, of which only some reach over a network.
#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

/// Refuses a folder on a network file system: WAL needs memory shared between processes, and flock must hold.
pub(super) fn refuse_network(folder: &Path) -> Result<(), Fault> {
    match network_name(folder)? {
        Some(name) => {
            let what = format!(
                "this folder is on a network file system ({name}), where neither locks nor shared memory can be trusted"
            );
            Err(Fault::new(FaultKind::NetworkFileSystem, folder, what))
        }
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn network_name(folder: &Path) -> Result<Option<String>, Fault> {
    let found = rustix::fs::statfs(folder)
        .map_err(|error| Fault::io(folder, "asking for the file system", &error.into()))?;
    // The number is 32 bits wide, whatever the width of the field.
    let magic = found.f_type as u32;
    if let Some((_, name)) = NETWORKED.iter().find(|(number, _)| *number == magic) {
        return Ok(Some((*name).to_owned()));
    }
    if magic != FUSE {
        return Ok(None);
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    Ok(mounted_type(&mounts, folder).filter(|name| is_networked_fuse(name)))
}

#[cfg(not(target_os = "linux"))]
fn network_name(_folder: &Path) -> Result<Option<String>, Fault> {
    Ok(None)
}

#[cfg(target_os = "linux")]
fn is_networked_fuse(name: &str) -> bool {
    ["sshfs", "rclone", "s3fs", "gcsfuse", "davfs", "glusterfs"]
        .iter()
        .any(|net| name.contains(net))
}

/// Returns the type of the file system mounted over `folder`: the longest mount point that leads to it
/// (proc_pid_mountinfo(5): the mount point is field 5, the type follows a lone dash).
#[cfg(target_os = "linux")]
fn mounted_type(mounts: &str, folder: &Path) -> Option<String> {
    let entries = mounts.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        // A space in a path is written as an octal escape.
        let point = mount.split(' ').nth(4)?.replace("\\040", " ");
        folder
            .starts_with(&point)
            .then(|| (point.len(), kind.split(' ').next().unwrap_or_default()))
    });
    entries
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind.to_owned())
}

/// Returns how many bytes the file system of `folder` has left for its user.
pub(super) fn bytes_left(folder: &Path) -> Result<u64, Fault> {
    let found = rustix::fs::statvfs(folder)
        .map_err(|error| Fault::io(folder, "asking for free space", &error.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_mount_nearest_to_the_folder_decides() {
        let mounts = "22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            40 22 0:35 / /home/a\\040b/far rw,nosuid shared:9 - fuse.sshfs host:/ rw\n\
            41 22 0:36 / /home/a\\040b/near rw - fuse.overlay none rw\n";
        let of = |path: &str| mounted_type(mounts, Path::new(path));
        assert_eq!(of("/home/a b/far/x").as_deref(), Some("fuse.sshfs"));
        assert_eq!(of("/home/a b/farther").as_deref(), Some("ext4"));
        assert!(of("/home/a b/far").is_some_and(|name| is_networked_fuse(&name)));
        assert!(of("/home/a b/near").is_some_and(|name| !is_networked_fuse(&name)));
    }
}
