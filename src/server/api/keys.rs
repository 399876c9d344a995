//! Tokens and the audit, for admins.

use axum::{
    http::{StatusCode, header},
    response::Response,
};

use super::{
    NO_STORE, Said, Visit,
    forms::{Audit, Made, TokenWish, Tokens},
    responses, unwanted,
};
use crate::{
    domain::{message::Name, time::SECOND},
    link::{
        access::{AuditFilter, AuditPage, NewToken},
        bus::Caller,
        protocol::{FolderAnswer, FolderCall, Request},
    },
    server::problem::Problem,
};

/// The most rows of a page of the audit.
const MAX_ROWS: u64 = 1_000;
/// The rows of a page where nothing is said.
const ROWS: u64 = 100;

/// Returns what a folder's answer holds, of the sort that was asked for.
macro_rules! answered {
    ($answer:expr, $sort:pat => $held:expr) => {
        match $answer {
            $sort => $held,
            other => return Err(unwanted(Said::Folder(Box::new(Ok(Ok(other)))))),
        }
    };
}

impl Visit {
    async fn folder(&self, call: FolderCall) -> Result<FolderAnswer, Problem> {
        let caller = Caller {
            actor: self.actor(),
            role: self.principal.peer.role,
        };
        let call = Box::new(call);
        match self.answer(Request::Folder { caller, call }).await? {
            Said::Folder(answered) => Ok((*answered)??),
            other => Err(unwanted(other)),
        }
    }

    /// Lists the tokens.
    pub(super) async fn tokens(self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let answer = self.folder(FolderCall::Tokens).await?;
        let tokens = answered!(answer, FolderAnswer::Tokens(tokens) => tokens);
        Ok(responses::json(StatusCode::OK, &Tokens { tokens }))
    }

    /// Makes a token.
    pub(super) async fn create_token(self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let wish: TokenWish = self.given.body()?;
        let name: Name = wish
            .name
            .parse()
            .map_err(|error| Problem::malformed("name", error))?;
        let now = self.shared.service.now();
        let lasts = |seconds: u32| now.plus(i64::from(seconds).saturating_mul(SECOND));
        let new = NewToken {
            name,
            role: wish.role,
            expires: wish.expires_in.map(lasts),
        };
        let answer = self.folder(FolderCall::CreateToken(new)).await?;
        let made =
            answered!(answer, FolderAnswer::Created { secret, token } => Made { secret, token });
        let mut response = responses::json(StatusCode::CREATED, &made);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, NO_STORE);
        Ok(response)
    }

    /// Takes a token back.
    pub(super) async fn revoke_token(self) -> Result<Response, Problem> {
        self.given.nothing_else()?;
        let name: Name = self.given.part("id")?;
        let answer = self.folder(FolderCall::RevokeToken(name)).await?;
        let revoked = answered!(answer, FolderAnswer::Revoked(token) => token);
        Ok(responses::json(StatusCode::OK, &revoked))
    }

    /// Reads the audit, oldest first behind a row, or else its newest rows.
    pub(super) async fn audit(mut self) -> Result<Response, Problem> {
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
        let wanted = FolderCall::Audit {
            filter,
            page,
            limit,
        };
        let answer = self.folder(wanted).await?;
        let mut rows = answered!(answer, FolderAnswer::Audit(rows) => rows);
        rows.sort_by_key(|row| row.number);
        let last = rows
            .last()
            .map(|row| row.number)
            .filter(|_| rows.len() >= limit && after.is_some());
        let mut response = responses::json(StatusCode::OK, &Audit { rows });
        if let Some(last) = last {
            responses::link(response.headers_mut(), &self.given.uri, &last.to_string());
        }
        Ok(response)
    }
}
