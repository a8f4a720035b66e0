//! API tokens. The key of each is the digest of the token, which is kept nowhere.

use super::{StoredUser, USERS, get};
use crate::domain::access::User;
use crate::domain::account::ApiToken;
use crate::domain::{Timestamp, TokenId, UserId};
use crate::store::engine::{Readable as _, Table, Write};
use crate::store::keys::PRACTICE;
use crate::store::rows::{decode, encode};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{Store, StoreError};

/// A token, by its digest.
const TOKENS: Table<(u32, [u8; 32]), &[u8]> = Table::new("api-tokens");

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(TOKENS, Whose::Nobodys)
}

/// The reason why a token was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotKept {
    /// Its maker is disabled by now, or the token with which it was made is gone.
    MakerIsGone,
    /// Its maker has as many as one may have.
    TooMany,
}

impl Store {
    /// Keeps a token where its maker has fewer than `most`: a person, or all that is no person's together.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn add_token(
        &self,
        digest: [u8; 32],
        token: ApiToken,
        most: usize,
    ) -> Result<Result<(), NotKept>, StoreError> {
        self.write(move |transaction| {
            if let Some(maker) = token.maker {
                let maker = get(&transaction.open_table(USERS)?, maker.0.into_bytes())?;
                if !maker.is_some_and(|maker| maker.is_active()) {
                    return Ok(Err(NotKept::MakerIsGone));
                }
            }
            let mut tokens = transaction.open_table(TOKENS)?;
            let (mut is_there, mut count) = (token.made_with.is_none(), 0);
            for entry in tokens.scan(..)? {
                let other = decode::<ApiToken>(entry?.1.value())?;
                is_there |= token.made_with == Some(other.id);
                count += usize::from(other.maker == token.maker);
            }
            if !is_there {
                return Ok(Err(NotKept::MakerIsGone));
            }
            if count >= most {
                return Ok(Err(NotKept::TooMany));
            }
            tokens.put((PRACTICE, digest), encode(&token)?.as_slice())?;
            Ok(Ok(()))
        })
        .await
    }

    /// A token with the account of its maker, where a person made it; none where that account is disabled or gone.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn token(&self, digest: [u8; 32]) -> Result<Option<(ApiToken, Option<User>)>, StoreError> {
        self.read(move |transaction| {
            let tokens = transaction.open_table(TOKENS)?;
            let Some(row) = tokens.get((PRACTICE, digest))? else { return Ok(None) };
            let token: ApiToken = decode(row.value())?;
            let Some(maker) = token.maker else { return Ok(Some((token, None))) };
            let maker = get(&transaction.open_table(USERS)?, maker.0.into_bytes())?;
            Ok(maker.filter(StoredUser::is_active).map(|stored| (token, Some(stored.user))))
        })
        .await
    }

    /// Tokens of a maker, or of everybody, the newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn tokens(&self, of: Option<UserId>) -> Result<Vec<ApiToken>, StoreError> {
        self.read(move |transaction| {
            let mut found = Vec::new();
            for entry in transaction.open_table(TOKENS)?.scan(..)? {
                let token: ApiToken = decode(entry?.1.value())?;
                if of.is_none_or(|maker| token.maker == Some(maker)) {
                    found.push(token);
                }
            }
            found.sort_by_key(|token| (std::cmp::Reverse(token.made_at), token.id));
            Ok(found)
        })
        .await
    }

    /// Keeps that a token was used; nothing where it was revoked meanwhile.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_token_use(&self, digest: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut tokens = transaction.open_table(TOKENS)?;
            let found = tokens.get((PRACTICE, digest))?.map(|row| decode::<ApiToken>(row.value())).transpose()?;
            if let Some(token) = found {
                let used = ApiToken { used_at: Some(now), ..token };
                tokens.put((PRACTICE, digest), encode(&used)?.as_slice())?;
            }
            Ok(())
        })
        .await
    }

    /// Revokes a token, where it is this maker's or no maker is named, and with it those that were made with it; answers
    /// whether there was one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_token(&self, id: TokenId, of: Option<UserId>) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            let is_meant = |token: &ApiToken| token.id == id && of.is_none_or(|maker| token.maker == Some(maker));
            Ok(end_where(transaction, is_meant)? > 0)
        })
        .await
    }
}

/// Revokes all tokens of a maker.
pub(super) fn end_all(transaction: &Write, of: UserId) -> Result<(), StoreError> {
    end_where(transaction, |token| token.maker == Some(of)).map(drop)
}

/// Revokes the tokens of which something holds, and those made with them; answers how many.
fn end_where(transaction: &Write, is_over: impl Fn(&ApiToken) -> bool) -> Result<usize, StoreError> {
    let mut tokens = transaction.open_table(TOKENS)?;
    let mut left = Vec::new();
    for entry in tokens.scan(..)? {
        let (key, row) = entry?;
        left.push((key.value(), decode::<ApiToken>(row.value())?));
    }
    let mut ended: Vec<TokenId> = Vec::new();
    loop {
        let is_ended = |token: &ApiToken| is_over(token) || token.made_with.is_some_and(|id| ended.contains(&id));
        let (over, stay): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, token)| is_ended(token));
        left = stay;
        if over.is_empty() {
            return Ok(ended.len());
        }
        for (key, token) in over {
            tokens.delete(key)?;
            ended.push(token.id);
        }
    }
}
