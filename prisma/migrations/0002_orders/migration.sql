-- What the director signed for whom, what devices were seen to have taken of it, and what was recalled.

-- The last numbers that a device said itself it has: it never goes back behind them, a copy of it does.
ALTER TABLE devices
  ADD COLUMN confirmed_sequence bigint NOT NULL DEFAULT 0,
  ADD COLUMN confirmed_order_epoch bigint NOT NULL DEFAULT 0,
  ADD COLUMN confirmed_order_sequence bigint NOT NULL DEFAULT 0;

CREATE TABLE recalls (
  tenant text NOT NULL REFERENCES tenants (tenant),
  number integer NOT NULL CHECK (number > 0),
  version text NOT NULL,
  sha256s text[] NOT NULL,
  reason text NOT NULL,
  actor text NOT NULL,
  created_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, number),
  UNIQUE (tenant, version)
);

-- One row for every order, kept: a device that took an order which is not here took somebody else's.
CREATE TABLE issued_orders (
  tenant text NOT NULL,
  device text NOT NULL,
  epoch bigint NOT NULL,
  sequence bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('assignment', 'recall')),
  -- A rollout, or the number of a recall.
  subject text NOT NULL,
  content_sha256 char(64) NOT NULL,
  envelope bytea NOT NULL,
  start_before timestamptz(3) NOT NULL,
  issued_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, device, epoch, sequence),
  FOREIGN KEY (tenant, device) REFERENCES devices (tenant, device) ON DELETE CASCADE
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['recalls', 'issued_orders'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_tenant ON %I USING (tenant = current_setting(''retile.tenant'', true)) '
      'WITH CHECK (tenant = current_setting(''retile.tenant'', true))', name);
  END LOOP;
END
$$;

GRANT SELECT, INSERT ON recalls, issued_orders TO retile_app;
