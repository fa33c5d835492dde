//! Pages that may hold values, from the system. Where it has none that stay out of swap, core files and
//! children, there are none.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(unix)]
mod mapping;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::map;
#[cfg(all(test, target_os = "linux"))]
pub(crate) use linux::map_locked;
#[cfg(target_os = "macos")]
pub(crate) use macos::map;
#[cfg(unix)]
pub(crate) use mapping::lockable;
#[cfg(windows)]
pub(crate) use windows::{lockable, map};
