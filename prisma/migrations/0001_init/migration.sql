-- The first schema. Releases and repository metadata are shared by all tenants; every other table carries the
-- tenant in its primary key and unique indexes, and row-level security hides all rows of other tenants.
-- The application runs as role retile_app, which owns nothing: the policies bind it.

DO $$
BEGIN
  CREATE ROLE retile_app NOLOGIN;
EXCEPTION
  -- Roles belong to the whole cluster; another database, or a start beside this one, may have made it.
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
GRANT retile_app TO CURRENT_USER;

-- Shared: what may run at all.

CREATE TABLE metadata_versions (
  role text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  content bytea NOT NULL,
  created_at timestamptz(3) NOT NULL,
  PRIMARY KEY (role, version)
);

CREATE TABLE releases (
  path text PRIMARY KEY,
  family text NOT NULL,
  version text NOT NULL,
  sha256 char(64) NOT NULL,
  length bigint NOT NULL,
  facts jsonb NOT NULL,
  published_at timestamptz(3) NOT NULL,
  UNIQUE (family, version)
);

-- Per tenant.

CREATE TABLE tenants (
  tenant text PRIMARY KEY,
  created_at timestamptz(3) NOT NULL
);

CREATE TABLE operator_tokens (
  tenant text NOT NULL REFERENCES tenants (tenant),
  id text NOT NULL,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('viewer', 'release', 'admin')),
  secret_sha256 bytea NOT NULL,
  created_at timestamptz(3) NOT NULL,
  revoked_at timestamptz(3),
  PRIMARY KEY (tenant, id)
);

CREATE TABLE enrolment_tokens (
  tenant text NOT NULL REFERENCES tenants (tenant),
  id text NOT NULL,
  secret_sha256 bytea NOT NULL,
  uses_left integer NOT NULL CHECK (uses_left >= 0),
  created_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE director_key_sets (
  tenant text NOT NULL REFERENCES tenants (tenant),
  epoch bigint NOT NULL CHECK (epoch > 0),
  content bytea NOT NULL,
  published_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, epoch)
);

CREATE TABLE devices (
  tenant text NOT NULL REFERENCES tenants (tenant),
  device text NOT NULL,
  public_key bytea NOT NULL CHECK (length(public_key) = 32),
  key_id text NOT NULL,
  soc text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'held')),
  agent_version text NOT NULL,
  sandbox text CHECK (sandbox IN ('strong', 'degraded')),
  current_version text,
  current_sha256 text,
  previous_version text,
  enrolled_at timestamptz(3) NOT NULL,
  last_seen_at timestamptz(3),
  -- A new enrolment begins a new epoch of report numbers.
  report_epoch bigint NOT NULL,
  acknowledged_sequence bigint NOT NULL,
  -- The last assignment that the director numbered for this device.
  assignment_epoch bigint NOT NULL,
  assignment_sequence bigint NOT NULL,
  PRIMARY KEY (tenant, device),
  UNIQUE (tenant, key_id)
);

CREATE TABLE device_models (
  tenant text NOT NULL,
  device text NOT NULL,
  model text NOT NULL,
  model_sha256 text NOT NULL,
  PRIMARY KEY (tenant, device, model),
  FOREIGN KEY (tenant, device) REFERENCES devices (tenant, device) ON DELETE CASCADE
);

CREATE TABLE rollouts (
  tenant text NOT NULL REFERENCES tenants (tenant),
  id text NOT NULL,
  version text NOT NULL,
  previous_version text NOT NULL,
  stages jsonb NOT NULL,
  gate jsonb NOT NULL,
  salt text NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'running', 'paused', 'halted', 'completed')),
  stage_index integer NOT NULL CHECK (stage_index >= 0),
  promoted_stages integer[] NOT NULL,
  because text,
  -- The reports that the gate had seen when it last decided.
  watermark bigint NOT NULL,
  -- Counts every change: the value of a compare-and-set.
  revision integer NOT NULL CHECK (revision >= 0),
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE assignments (
  tenant text NOT NULL,
  rollout text NOT NULL,
  device text NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('update', 'return')),
  stage integer NOT NULL CHECK (stage >= 0),
  version text NOT NULL,
  epoch bigint NOT NULL,
  sequence bigint NOT NULL,
  -- The signed document, byte for byte: the same one is handed out again until it is about to lapse.
  envelope bytea NOT NULL,
  start_before timestamptz(3) NOT NULL,
  status text NOT NULL CHECK (status IN ('assigned', 'accepted', 'committed', 'failed')),
  failing_models integer NOT NULL CHECK (failing_models >= 0),
  failure_code text,
  failure_message text,
  assigned_at timestamptz(3) NOT NULL,
  accepted_at timestamptz(3),
  settled_at timestamptz(3),
  PRIMARY KEY (tenant, rollout, device, purpose),
  FOREIGN KEY (tenant, rollout) REFERENCES rollouts (tenant, id),
  FOREIGN KEY (tenant, device) REFERENCES devices (tenant, device) ON DELETE CASCADE
);
CREATE INDEX assignments_of_device ON assignments (tenant, device);

CREATE TABLE report_batches (
  tenant text NOT NULL,
  device text NOT NULL,
  epoch bigint NOT NULL,
  first_sequence bigint NOT NULL,
  last_sequence bigint NOT NULL,
  -- Grows over all tenants and devices: what a decision had seen is a number.
  watermark bigint GENERATED ALWAYS AS IDENTITY,
  received_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, device, epoch, first_sequence),
  FOREIGN KEY (tenant, device) REFERENCES devices (tenant, device) ON DELETE CASCADE
);
CREATE INDEX report_batches_by_watermark ON report_batches (tenant, watermark);

CREATE TABLE outcomes (
  tenant text NOT NULL,
  rollout text NOT NULL,
  device text NOT NULL,
  model text NOT NULL,
  model_sha256 text NOT NULL,
  soc text NOT NULL,
  from_version text NOT NULL,
  to_version text NOT NULL,
  -- Null where the gate does not count it: no assignment explains it, or it compares other versions.
  stage integer,
  verdict text NOT NULL CHECK (verdict IN ('kept', 'refused_slower', 'refused_wrong', 'failed')),
  failing boolean NOT NULL,
  before_cycles bigint,
  after_cycles bigint,
  before_us double precision,
  after_us double precision,
  output_snr_db double precision,
  -- ln(before/after) in billionths; null where it says nothing about speed.
  log_ratio bigint,
  temperature_celsius double precision NOT NULL,
  failure_code text,
  failure_message text,
  epoch bigint NOT NULL,
  sequence bigint NOT NULL,
  device_time timestamptz(3) NOT NULL,
  received_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, rollout, device, model),
  FOREIGN KEY (tenant, device) REFERENCES devices (tenant, device) ON DELETE CASCADE
);
CREATE INDEX outcomes_by_time ON outcomes (tenant, received_at);

-- No row checks that its numbers are not negative: what is inserted is a difference, until it meets the row.
CREATE TABLE gate_cells (
  tenant text NOT NULL,
  rollout text NOT NULL,
  stage integer NOT NULL,
  model text NOT NULL,
  hardware_class text NOT NULL,
  count bigint NOT NULL,
  sum numeric(40, 0) NOT NULL,
  sum_of_squares numeric(40, 0) NOT NULL,
  failures bigint NOT NULL,
  PRIMARY KEY (tenant, rollout, stage, model, hardware_class),
  FOREIGN KEY (tenant, rollout) REFERENCES rollouts (tenant, id)
);

CREATE TABLE decisions (
  tenant text NOT NULL,
  rollout text NOT NULL,
  -- Of the rollout after the decision.
  revision integer NOT NULL,
  stage integer NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('advance', 'wait', 'underpowered', 'halt')),
  because text NOT NULL,
  policy_sha256 char(64) NOT NULL,
  watermark bigint NOT NULL,
  -- The rollout before and the evidence: replaying them gives the same decision.
  inputs jsonb NOT NULL,
  decided_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant, rollout, revision),
  FOREIGN KEY (tenant, rollout) REFERENCES rollouts (tenant, id)
);

CREATE TABLE audit_entries (
  tenant text NOT NULL REFERENCES tenants (tenant),
  sequence bigint NOT NULL CHECK (sequence > 0),
  at timestamptz(3) NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  details jsonb NOT NULL,
  -- Each entry's hash covers the one before: nothing can be changed or cut out in the middle.
  previous_sha256 char(64) NOT NULL,
  sha256 char(64) NOT NULL,
  PRIMARY KEY (tenant, sequence)
);

-- Row-level security.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'tenants', 'operator_tokens', 'enrolment_tokens', 'director_key_sets', 'devices', 'device_models',
    'rollouts', 'assignments', 'report_batches', 'outcomes', 'gate_cells', 'decisions', 'audit_entries'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY own_tenant ON %I USING (tenant = current_setting(''retile.tenant'', true)) '
      'WITH CHECK (tenant = current_setting(''retile.tenant'', true))', name);
  END LOOP;
END
$$;

-- Jobs go through all tenants; a list of their names is all that this opens.
CREATE POLICY every_tenant_by_name ON tenants FOR SELECT
  USING (current_setting('retile.tenant', true) = '*');

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO retile_app;
REVOKE UPDATE, DELETE ON audit_entries, decisions, metadata_versions FROM retile_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO retile_app;
REVOKE ALL ON "_prisma_migrations" FROM retile_app;
