//! Tokens as rows: made, listed, taken back and looked up.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::token::{Denied, NewToken, Secret, Standing, TokenId, TokenView, is_same};
use crate::domain::{
    command::Role, message::Name, record::Hash, refusal::Refusal, time::Timestamp,
};

/// How many live tokens there may be: one for each agent and wall of a large site, and few enough to look through.
pub const MAX_TOKENS: u32 = 1_000;

/// How many tokens that open nothing any more are remembered, the newest: so that their bearers are told why.
const MAX_ENDED: u32 = 1_000;

const COLUMNS: &str = "id, name, role, created, expires, revoked, used, hash";

/// Adds a token, or refuses it. An id that is taken already is an error, and drawn again by the caller.
pub(super) fn insert(
    db: &Connection,
    id: &TokenId,
    secret: &Secret,
    new: &NewToken,
    now: Timestamp,
) -> rusqlite::Result<Result<TokenView, Refusal>> {
    if new.expires.is_some_and(|expires| expires <= now) {
        let why = "it would be over before it begins; give it some time, like 30d";
        return Ok(Err(Refusal::invalid("expires", why)));
    }
    let live = "revoked IS NULL AND (expires IS NULL OR expires > ?1)";
    let sql =
        format!("SELECT count(*), count(*) FILTER (WHERE name = ?2) FROM tokens WHERE {live}");
    let (count, same): (i64, i64) = db
        .prepare_cached(&sql)?
        .query_row(params![now.0, new.name.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if same > 0 {
        let why = format!(
            "there is a token {} already; revoke it first, or choose another name",
            new.name
        );
        return Ok(Err(Refusal::invalid("name", why)));
    }
    if count >= i64::from(MAX_TOKENS) {
        return Ok(Err(Refusal::Limit {
            what: "live tokens".into(),
            limit: MAX_TOKENS.into(),
        }));
    }
    db.prepare_cached(
        "INSERT INTO tokens (id, name, role, hash, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        id.0,
        new.name.as_str(),
        new.role.word(),
        secret.digest().0,
        now.0,
        new.expires.map(|at| at.0)
    ])?;
    let sql = format!(
        "DELETE FROM tokens WHERE NOT ({live}) AND id NOT IN \
         (SELECT id FROM tokens WHERE NOT ({live}) ORDER BY created DESC, id LIMIT {MAX_ENDED})"
    );
    db.prepare_cached(&sql)?.execute([now.0])?;
    Ok(Ok(TokenView {
        id: id.clone(),
        name: new.name.clone(),
        role: new.role,
        standing: Standing::Live,
        created_at: now.into(),
        expires_at: new.expires.map(Into::into),
        revoked_at: None,
        used_at: None,
    }))
}

/// Reads the table without wanting anything of it.
pub(super) fn readable(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached("SELECT 1 FROM tokens LIMIT 1")?
        .exists([])
        .map(drop)
}

/// Returns whether an id is taken.
pub(super) fn has(db: &Connection, id: &TokenId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM tokens WHERE id = ?1")?
        .exists([&id.0])
}

/// Returns every token, the live ones first, each sort by name.
pub(super) fn list(db: &Connection, now: Timestamp) -> rusqlite::Result<Vec<TokenView>> {
    let mut get = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tokens ORDER BY name, created, id"
    ))?;
    let rows = get.query_map([], |row| view(row, now))?;
    let mut tokens: Vec<TokenView> = rows.collect::<rusqlite::Result<_>>()?;
    tokens.sort_by_key(|token| token.standing != Standing::Live);
    Ok(tokens)
}

/// Takes back every token of a name; None if there is none. An expired one is taken back too: were the clock set back, it
/// would open doors again.
pub(super) fn revoke(
    db: &Connection,
    name: &Name,
    now: Timestamp,
) -> rusqlite::Result<Option<TokenView>> {
    let sql = format!(
        "UPDATE tokens SET revoked = ?2 WHERE name = ?1 AND revoked IS NULL RETURNING {COLUMNS}"
    );
    let mut revoke = db.prepare_cached(&sql)?;
    let rows = revoke.query_map(params![name.as_str(), now.0], |row| view(row, now))?;
    let revoked: Vec<TokenView> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(revoked.into_iter().max_by_key(|token| token.created_at))
}

/// Returns the token whose whole secret this is, or why it opens nothing.
pub(super) fn check(
    db: &Connection,
    text: &str,
    now: Timestamp,
) -> rusqlite::Result<Result<TokenView, Denied>> {
    Ok(borne(db, text, now)?.and_then(judged))
}

/// Returns the token whose whole secret this is, whether it opens anything or not; or why it is none.
pub(super) fn borne(
    db: &Connection,
    text: &str,
    now: Timestamp,
) -> rusqlite::Result<Result<TokenView, Denied>> {
    let Some(id) = TokenId::of(text) else {
        return Ok(Err(Denied::Malformed));
    };
    let found = find(db, &id, now)?;
    // The secret comes first: who has only the id learns nothing of the token.
    let digest = Hash::of(text.as_bytes());
    Ok(match found {
        Some((token, hash)) if is_same(&hash, &digest) => Ok(token),
        _ => Err(Denied::Unknown),
    })
}

/// Returns the token of an id, if it opens anything.
pub(super) fn standing(
    db: &Connection,
    id: &TokenId,
    now: Timestamp,
) -> rusqlite::Result<Result<TokenView, Denied>> {
    let found = find(db, id, now)?;
    Ok(found.map_or(Err(Denied::Unknown), |(token, _)| judged(token)))
}

/// Notes that a token was used.
pub(super) fn touch(db: &Connection, id: &TokenId, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE tokens SET used = ?2 WHERE id = ?1")?
        .execute(params![id.0, now.0])
        .map(drop)
}

fn judged(token: TokenView) -> Result<TokenView, Denied> {
    match token.standing {
        Standing::Live => Ok(token),
        Standing::Expired => Err(Denied::Expired),
        Standing::Revoked => Err(Denied::Revoked),
    }
}

fn find(
    db: &Connection,
    id: &TokenId,
    now: Timestamp,
) -> rusqlite::Result<Option<(TokenView, Hash)>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1"))?
        .query_row([&id.0], |row| Ok((view(row, now)?, Hash(row.get(7)?))))
        .optional()
}

/// Returns a row as a token. A role or a name that is none is damage, never a role of another sort.
fn view(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<TokenView> {
    let moment = |column| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
    };
    let damage = |_| rusqlite::Error::InvalidQuery;
    let (expires, revoked) = (moment(4)?, moment(5)?);
    let standing = match (revoked, expires) {
        (Some(_), _) => Standing::Revoked,
        (None, Some(expires)) if expires <= now => Standing::Expired,
        _ => Standing::Live,
    };
    Ok(TokenView {
        id: TokenId(row.get(0)?),
        name: row.get::<_, String>(1)?.parse::<Name>().map_err(damage)?,
        role: row.get::<_, String>(2)?.parse::<Role>().map_err(damage)?,
        standing,
        created_at: Timestamp(row.get(3)?).into(),
        expires_at: expires.map(Into::into),
        revoked_at: revoked.map(Into::into),
        used_at: moment(6)?.map(Into::into),
    })
}
