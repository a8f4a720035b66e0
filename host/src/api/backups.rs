//! Backups.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, PageParams, Params};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::access::Action;
use crate::ops;

/// A backup that was made and opened again.
#[derive(Serialize, ToSchema)]
#[schema(as = Backup)]
pub struct MadeBody {
    /// The file's name in the folder of the settings.
    #[schema(example = "tidegate-4f1d9a02-2026-03-01T020000.123Z.backup.age")]
    name: String,
    /// The file's place on the machine of the host.
    #[schema(example = "/backups/tidegate-4f1d9a02-2026-03-01T020000.123Z.backup.age")]
    path: String,
    /// The public part of the key that it is encrypted with.
    #[schema(example = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")]
    public_key: String,
    /// Its size in bytes.
    bytes: u64,
    /// The moment whose data it holds.
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// The number of rows of the store in it.
    rows: u64,
    /// The number of rows, among those, that are sealed for a client or household.
    sealed_rows: u64,
    /// The names of older ones that were removed, as the settings say how many are kept.
    removed: Vec<String>,
}

/// Makes a backup into the folder of the settings, opens it again, and answers when both are done. Everything else goes on
/// meanwhile.
#[utoipa::path(
    post,
    path = "/api/v1/backups",
    operation_id = "make_backup",
    tag = "backups",
    security(("token" = []), ("session" = [])),
    responses((status = 201, body = MadeBody))
)]
pub async fn make(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
) -> Result<(StatusCode, Json<MadeBody>), Problem> {
    caller.may(Action::ManageBackups)?;
    let made = ops::backups::make(&app, caller.actor(), Timestamp::now()).await?;
    let name = made.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let body = MadeBody {
        name,
        path: made.path.display().to_string(),
        public_key: made.public_key,
        bytes: made.bytes,
        made_at: made.at,
        rows: made.copied.rows,
        sealed_rows: made.copied.sealed,
        removed: made.removed,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// The backup settings the host is running with. The settings file may have changed since it started.
#[derive(Serialize, ToSchema)]
#[schema(as = BackupSettings)]
pub struct SettingsBody {
    /// The folder on the machine of the host; null where no backups are set up.
    #[schema(required, example = "/backups")]
    folder: Option<String>,
    /// The public part of the key that backups are encrypted with; null where no backups are set up.
    #[schema(required, example = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")]
    public_key: Option<String>,
    /// The number of backups that are kept; null where no backups are set up.
    #[schema(required, example = 14)]
    keep: Option<usize>,
}

/// The backup settings the host is running with. The settings file may have changed since it started.
#[utoipa::path(
    get,
    path = "/api/v1/backups/settings",
    operation_id = "get_backup_settings",
    tag = "backups",
    security(("token" = []), ("session" = [])),
    responses((status = 200, body = SettingsBody))
)]
pub async fn settings(caller: Caller, State(app): State<App>, _: NoParams) -> Result<Json<SettingsBody>, Problem> {
    caller.may(Action::ManageBackups)?;
    let to = app.config.backup.as_ref();
    Ok(Json(SettingsBody {
        folder: to.map(|to| to.folder.display().to_string()),
        public_key: to.map(|to| to.key.public()),
        keep: to.map(|to| to.keep),
    }))
}

/// A backup that lies in the folder.
#[derive(Serialize, ToSchema)]
#[schema(as = KeptBackup)]
pub struct KeptBody {
    /// The file's name in the folder of the settings.
    #[schema(example = "tidegate-4f1d9a02-2026-03-01T020000.123Z.backup.age")]
    name: String,
}

/// The backups that lie in the folder of the settings, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/backups",
    operation_id = "list_backups",
    tag = "backups",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<KeptBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<KeptBody>>, Problem> {
    caller.may(Action::ManageBackups)?;
    let page = params?.0.page()?;
    let names = app.backups().await.map_err(ops::Refusal::no_list_of_backups)?;
    let rows = names.into_iter().map(|name| KeptBody { name }).collect();
    Ok(Json(List::cut_in_order("backups", rows, &page, |row| row.name.clone())?))
}
