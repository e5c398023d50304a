CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  number bigint NOT NULL,
  host int NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL,
  paid_at timestamptz NOT NULL
);
CREATE TABLE postings (
  order_id bigint NOT NULL,
  leg int NOT NULL,
  account text NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL,
  PRIMARY KEY (order_id, leg)
);
