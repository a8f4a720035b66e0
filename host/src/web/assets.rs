//! The stylesheet, the script and the icon: embedded, and named after their content, so that a browser keeps them for
//! good and asks again only when they change.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// One embedded file.
struct Asset {
    name: String,
    media_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let digest = blake3::hash(content.as_bytes()).to_hex();
        Self { name: format!("{stem}.{}.{extension}", &digest[..12]), media_type, content }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("tidegate", "css", "text/css; charset=utf-8", include_str!("../../assets/tidegate.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("tidegate", "js", "text/javascript; charset=utf-8", include_str!("../../assets/tidegate.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../assets/icon.svg")));

/// The stylesheet's name below `/assets/`.
pub(super) fn style() -> &'static str {
    &STYLE.name
}

/// The script's name below `/assets/`.
pub(super) fn script() -> &'static str {
    &SCRIPT.name
}

/// The icon's name below `/assets/`.
pub(super) fn icon() -> &'static str {
    &ICON.name
}

/// `GET /assets/{name}`.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content).into_response()
}
