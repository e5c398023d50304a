// What the kinds of journal entries are called, for pages that show entries.

const NAMES = {
  "event.created": "Event made",
  "rules.changed": "Rules changed",
  "rates.changed": "Exchange rates changed",
  "roster.changed": "Roster changed",
  "event.moved": "Event moved",
  "session.started": "Session started",
  "session.ended": "Session ended",
  "session.changed": "Hosts of a session changed",
  "product.pinned": "Product pinned",
  "product.unpinned": "Product unpinned",
  "offer.started": "Offer made",
  "offer.ended": "Offer ended",
  "goal.set": "Goal set",
  "announcement.made": "Announcement made",
  "viewers.sampled": "Viewers counted",
  "order.paid": "Order paid",
  "order.refunded": "Refund",
  "order.cancelled": "Cancelled",
  "refund.matched": "Refund matched with its order",
  "order.disputed": "Dispute opened",
  "dispute.closed": "Dispute closed",
  "correction.opened": "Correction asked for",
  "correction.closed": "Correction closed",
  "order.reattributed": "Credited to others",
  "claim.opened": "Claim opened",
  "claim.closed": "Claim closed",
  "adjustment.made": "Adjustment",
  "commission.released": "Commission released",
  "payout.made": "Payout",
  "payout.failed": "Payout failed",
  "statement.closed": "Statement closed",
};

/** A name for a kind; the kind itself if it has none yet. */
export const kindName = (kind) => NAMES[kind] ?? kind;
