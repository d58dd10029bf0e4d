//! Pages of a list, by key: each page says where the next one starts, and rows that come or go in between shift nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::Fault;

/// One page of a query: how many rows, after which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// Rows on the page.
    pub size: u64,
    /// The key of the last row of the page before; none on the first page.
    pub after: Option<K>,
    query: [u8; 8],
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Most rows a page may have.
    pub const MOST: i32 = 1000;
    /// Rows of a page that asks for no number.
    pub const DEFAULT: i32 = 50;

    /// Reads `page_size` and `page_token` of a request. `query` is everything else that says which rows are meant: a token
    /// of another query is refused.
    pub fn read(query: &[&str], page_size: i32, page_token: &str) -> Result<Self, Fault> {
        let query = fingerprint(query);
        let size = if page_size <= 0 { Self::DEFAULT } else { page_size.min(Self::MOST) };
        let after = if page_token.is_empty() {
            None
        } else {
            let bytes = URL_SAFE_NO_PAD.decode(page_token).map_err(|_| Fault::PageToken)?;
            let (of, key) = bytes.split_at_checked(8).ok_or(Fault::PageToken)?;
            if of != query {
                return Err(Fault::PageToken);
            }
            Some(serde_json::from_slice(key).map_err(|_| Fault::PageToken)?)
        };
        Ok(Self { size: u64::from(size.unsigned_abs()), after, query })
    }

    /// How many rows to ask the database for: one more than the page has, to learn whether there is a next page.
    pub fn limit(&self) -> u64 {
        self.size + 1
    }

    /// Cuts `rows`, found with [`limit`](Self::limit), to the page and gives the token of the next one, empty on the last.
    pub fn cut<R>(&self, rows: &mut Vec<R>, key: impl Fn(&R) -> K) -> Result<String, Fault> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return Ok(String::new());
        }
        rows.truncate(size);
        let Some(last) = rows.last() else { return Ok(String::new()) };
        let mut bytes = self.query.to_vec();
        serde_json::to_writer(&mut bytes, &key(last)).map_err(|e| Fault::Internal(e.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn fingerprint(query: &[&str]) -> [u8; 8] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in query {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut out = [0; 8];
    out.copy_from_slice(&context.finish().as_ref()[..8]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next() -> Result<(), Fault> {
        let page = Page::<u64>::read(&["a"], 2, "")?;
        let mut rows = vec![1, 2, 3];
        let token = page.cut(&mut rows, |r| *r)?;
        assert_eq!(rows, [1, 2]);
        let page = Page::<u64>::read(&["a"], 2, &token)?;
        assert_eq!((page.after, page.limit()), (Some(2), 3));
        let mut rows = vec![3];
        assert_eq!(page.cut(&mut rows, |r| *r)?, "");
        Ok(())
    }

    #[test]
    fn a_token_of_another_query_is_refused() -> Result<(), Fault> {
        let mut rows = vec![1, 2];
        let token = Page::<u64>::read(&["a", "b"], 1, "")?.cut(&mut rows, |r| *r)?;
        for query in [&["a"][..], &["ab", ""], &["a", "b", ""], &["b", "a"]] {
            assert!(matches!(Page::<u64>::read(query, 1, &token), Err(Fault::PageToken)), "{query:?}");
        }
        for garbage in ["x", "!!!!", "AAAAAAAAAAA", &format!("{token}x")] {
            assert!(Page::<u64>::read(&["a", "b"], 1, garbage).is_err(), "{garbage}");
        }
        Ok(())
    }
}
