//! Tokens and the audit, for admins.

use axum::{
    http::{StatusCode, header},
    response::Response,
};

use super::{
    NO_STORE, Visit,
    forms::{Audit, Made, TokenWish, Tokens},
    told,
};
use crate::{
    domain::{message::Name, time::SECOND},
    link::access::{AuditFilter, AuditPage, NewToken, may_grant},
    server::problem::Problem,
};

/// The most rows of a page of the audit.
const MAX_ROWS: u64 = 1_000;
/// The rows of a page where nothing is said.
const ROWS: u64 = 100;

impl Visit {
    /// Lists the tokens.
    pub(super) async fn tokens(self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        may_grant(self.guest.peer.role)?;
        let now = self.house.service.now();
        let tokens = self
            .house
            .keys(&self.guest, None, move |access| access.list(now).map(Ok));
        let tokens = tokens.await??;
        Ok(told::json(StatusCode::OK, &Tokens { tokens }))
    }

    /// Makes a token.
    pub(super) async fn create_token(self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let wish: TokenWish = self.given.body()?;
        let name: Name = wish
            .name
            .parse()
            .map_err(|error| Problem::malformed("name", error))?;
        let what = format!("token create {name} {}", wish.role);
        self.house.may_grant(&self.guest, &what)?;
        let now = self.house.service.now();
        let lasts = |seconds: u32| now.plus(i64::from(seconds).saturating_mul(SECOND));
        let new = NewToken {
            name,
            role: wish.role,
            expires: wish.expires_in.map(lasts),
        };
        let made = self.house.keys(&self.guest, Some(what), move |access| {
            access.create(&new, now)
        });
        let (secret, token) = made.await??;
        let secret = secret.expose().to_owned();
        let mut response = told::json(StatusCode::CREATED, &Made { secret, token });
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, NO_STORE);
        Ok(response)
    }

    /// Takes a token back.
    pub(super) async fn revoke_token(self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let name: Name = self.given.part("id")?;
        let what = format!("token revoke {name}");
        self.house.may_grant(&self.guest, &what)?;
        let now = self.house.service.now();
        let revoked = self.house.keys(&self.guest, Some(what), move |access| {
            access.revoke(&name, now)
        });
        Ok(told::json(StatusCode::OK, &revoked.await??))
    }

    /// Reads the audit, oldest first behind a row, or else its newest rows.
    pub(super) async fn audit(mut self) -> Result<Response, Problem> {
        may_grant(self.guest.peer.role)?;
        let after = self.given.take_number("after")?;
        let limit = self
            .given
            .take_number("limit")?
            .unwrap_or(ROWS)
            .clamp(1, MAX_ROWS);
        let filter = AuditFilter {
            since: self.given.take_moment("since")?,
            actor: self.given.query.remove("actor"),
            token: self.given.query.remove("token"),
            denied: self.given.take("denied", super::book::Sort::Truth)? == Some(true.into()),
        };
        self.given.nothing_else()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page = after.map_or(AuditPage::Newest, AuditPage::After);
        let read = self.house.keys(&self.guest, None, move |access| {
            access.audit(&filter, page, limit).map(Ok)
        });
        let mut rows = read.await??;
        rows.sort_by_key(|row| row.number);
        let last = rows
            .last()
            .map(|row| row.number)
            .filter(|_| rows.len() >= limit && after.is_some());
        let mut response = told::json(StatusCode::OK, &Audit { rows });
        if let Some(last) = last {
            told::link(response.headers_mut(), &self.given.uri, &last.to_string());
        }
        Ok(response)
    }
}
