-- One order row and two posting rows in one transaction, as a program without HTTP would write them.
-- No colon inside a literal: pgbench would take what follows for a variable.
\set host random(0, 59)
\set debit random(1000, 100000)
\set credit 0 - :debit
\set number random(1, 1000000000000)
BEGIN;
INSERT INTO orders (source, number, host, currency, amount, paid_at)
VALUES ('shop', :number, :host, 'CNY', :debit, now()) RETURNING id \gset
INSERT INTO postings (order_id, leg, account, currency, amount)
VALUES (:id, 1, 'income-sales', 'CNY', :credit), (:id, 2, 'assets-clearing', 'CNY', :debit);
COMMIT;
