//! The policy's limits: what each request owes to which of them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use aegis_core::{Api, Document, Exchange, Operation, Principal, Rejection};

use crate::guard::{Places, Reservation};
use crate::party;
use crate::quota::Quota;
use crate::refusal;
use crate::standing::{self, Unit};
use crate::store::{Amount, Charge, Key, Per, Settlement, StateStore};
use crate::tokens::{self, Estimate};

/// Every built limit, and where their state lives.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) all: Vec<Limit>,
    pub(crate) store: Arc<dyn StateStore>,
    /// Reserved for an answer whose length nobody limits.
    pub(crate) output_default: u64,
}

/// A built entry of `limits`.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) per: Per,
    pub(crate) id: u64,
    pub(crate) requests: Option<Quota>,
    pub(crate) tokens: Option<Quota>,
    pub(crate) concurrency: Option<u32>,
}

/// Who asks, and how to tell them where they stand.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) api: Api,
}

/// Tokens that were taken, or could not be.
struct Taking {
    input: u64,
    bill: Vec<Charge>,
    settlement: Settlement,
}

// === impl Limits ===

impl Limits {
    /// Takes a place and a request of every limit.
    pub(crate) async fn enter(&self, caller: &Caller) -> Result<Option<Places>, Rejection> {
        let mut bill = Vec::with_capacity(2 * self.all.len());
        for limit in &self.all {
            let place = limit.concurrency.map(|max| Amount::Place { max });
            let request = limit.requests.map(Amount::Request);
            bill.extend(place.into_iter().chain(request).map(|amount| Charge {
                key: limit.key(caller),
                amount,
            }));
        }
        if bill.is_empty() {
            return Ok(None);
        }
        self.pay(caller, Unit::Requests, &bill).await?;
        let is_place = |charge: &Charge| matches!(charge.amount, Amount::Place { .. });
        bill.retain(is_place);
        let store = self.store.clone();
        let keys: Vec<Key> = bill.into_iter().map(|charge| charge.key).collect();
        Ok((!keys.is_empty()).then_some(Places { store, keys }))
    }

    async fn pay(&self, caller: &Caller, unit: Unit, bill: &[Charge]) -> Result<(), Rejection> {
        let settlement = self.store.take(bill).await.map_err(refusal::no_room)?;
        caller.settle(unit, bill, &settlement)
    }

    /// Reserves the tokens of `document` in every limit.
    pub(crate) async fn reserve(
        &self,
        caller: &Caller,
        operation: Operation,
        document: Document,
        output_max: Option<u64>,
    ) -> Result<(Document, Option<Arc<Reservation>>), Rejection> {
        let quotas: Vec<(Key, Quota)> = self
            .all
            .iter()
            .filter_map(|limit| limit.tokens.map(|quota| (limit.key(caller), quota)))
            .collect();
        if quotas.is_empty() || !tokens::is_metered(operation) {
            return Ok((document, None));
        }
        let estimate = tokens::estimate(operation, &document, output_max, self.output_default);
        let exact = !tokens::usage_is_expected(operation, document.stream);
        let (document, taking) = self.take(&quotas, document, estimate, exact).await?;
        caller.settle(Unit::Tokens, &taking.bill, &taking.settlement)?;
        let tickets = taking.settlement.charged.into_iter();
        let tickets = tickets.map(|charged| charged.ticket);
        let reservation = Reservation {
            store: self.store.clone(),
            exchange: caller.exchange.clone(),
            held: taking.bill.into_iter().zip(tickets).collect(),
            input: taking.input,
            output: estimate.output,
            output_is_bound: estimate.output_is_bound,
            nothing_generated: AtomicBool::new(false),
        };
        Ok((document, Some(Arc::new(reservation))))
    }

    /// Takes tokens by the cheapest number that decides, the exact one only where it matters.
    async fn take(
        &self,
        quotas: &[(Key, Quota)],
        document: Document,
        estimate: Estimate,
        exact: bool,
    ) -> Result<(Document, Taking), Rejection> {
        let (rough, output) = (estimate.input_rough, estimate.output);
        // What never fits is a way to look without taking.
        let most = if exact {
            u64::MAX
        } else {
            estimate.input_max.saturating_add(output)
        };
        let first = self.try_take(quotas, most, rough, output).await?;
        if first.settlement.refusal.is_none() {
            return Ok((document, first));
        }
        let left = first.settlement.charged.iter();
        let left = left.map(|charged| charged.standing.remaining).min();
        let (document, input) = match left.unwrap_or_default().checked_sub(output) {
            Some(budget) if budget > 0 => tokens::count(document, budget, rough).await?,
            // The answer alone is too much: no count of the prompt would help.
            Some(_) | None => (document, rough),
        };
        let all = input.saturating_add(output);
        let taking = self.try_take(quotas, all, input, output).await?;
        Ok((document, taking))
    }

    async fn try_take(
        &self,
        quotas: &[(Key, Quota)],
        fits: u64,
        input: u64,
        output: u64,
    ) -> Result<Taking, Rejection> {
        let taken = input.saturating_add(output);
        let charge = |(key, quota): &(Key, Quota)| Charge {
            key: key.clone(),
            amount: Amount::Tokens {
                quota: *quota,
                fits,
                taken,
            },
        };
        let bill: Vec<Charge> = quotas.iter().map(charge).collect();
        let settlement = self.store.take(&bill).await.map_err(refusal::no_room)?;
        Ok(Taking {
            input,
            bill,
            settlement,
        })
    }
}

// === impl Limit ===

impl Limit {
    fn key(&self, caller: &Caller) -> Key {
        Key {
            per: self.per,
            limit: self.id,
            subject: party::of(self.per, &caller.principal, caller.exchange.peer),
        }
    }
}

// === impl Caller ===

impl Caller {
    /// Notes where the caller stands, for the response's headers; refuses if the bill was refused.
    fn settle(
        &self,
        unit: Unit,
        bill: &[Charge],
        settlement: &Settlement,
    ) -> Result<(), Rejection> {
        let counted = bill.iter().zip(&settlement.charged);
        let counted = counted.filter(|(charge, _)| charge.amount.is_counted());
        let standings = counted.map(|(_, charged)| charged.standing);
        let Some(refusal) = settlement.refusal else {
            standing::note(&self.exchange, self.api, unit, standings);
            return Ok(());
        };
        let refused = bill.get(refusal.index).map(|charge| charge.amount);
        if refused.is_some_and(Amount::is_counted) {
            // The limit that refused is the one to tell of.
            let told = settlement.charged.get(refusal.index);
            let told = told.map(|charged| charged.standing);
            standing::note(&self.exchange, self.api, unit, told.into_iter());
        } else {
            standing::note(&self.exchange, self.api, unit, standings);
        }
        Err(refusal::of(refused, refusal.shortage))
    }
}
