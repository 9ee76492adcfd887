-- Two more kinds of change: limits of assets and desk, and the registry (what is traded, where, in which units). Both are judged by
-- the class of the change, as parameters are.
CREATE OR REPLACE FUNCTION governance.rule_of(the_kind text, the_subject text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN the_kind = 'control' AND the_subject LIKE 'control:%:kill' THEN 'control_kill'
                WHEN the_kind IN ('limits', 'registry') THEN 'parameters'
                ELSE the_kind END
$$;

-- Kinds of which one person may apply what only makes things safer.
CREATE FUNCTION governance.has_reducing_changes(the_kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT the_kind IN ('parameters', 'role_grant', 'limits', 'registry', 'account')
$$;

-- A step: what it needs, and the times it sets.
CREATE OR REPLACE FUNCTION governance.proposal_step(was proposals, is_now proposals, at timestamptz) RETURNS proposals LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    needed record;
BEGIN
    IF (is_now.review_due_at, is_now.reviewed_at) IS DISTINCT FROM (was.review_due_at, was.reviewed_at)
       AND is_now.state <> 'APPLIED' THEN
        PERFORM governance.refuse(format('proposal %s: only what was applied is reviewed afterwards', was.id));
    END IF;
    IF is_now.state = 'DRAFT' THEN
        is_now.submitted_at := NULL;
        is_now.valid_until := NULL;
    ELSIF is_now.state = 'IN_REVIEW' THEN
        is_now.submitted_at := at;
        is_now.valid_until := at + make_interval(secs => governance.in_review_valid_s());
    ELSIF is_now.state = 'APPROVED' THEN
        needed := governance.required(was.policy_version, governance.rule_of(was.kind, was.subject), was.risk_class);
        IF at >= was.valid_until THEN
            PERFORM governance.refuse(format('proposal %s has expired', was.id));
        END IF;
        -- Counted as accounts.sql counts, of the migration that follows.
        IF governance.approvals(was.id, needed.roles, was.risk_class) < needed.quorum
           OR EXISTS (SELECT 1 FROM votes v WHERE v.proposal_id = was.id AND v.revision = was.revision
                                              AND v.choice IN ('reject', 'request_changes')) THEN
            PERFORM governance.refuse(format('proposal %s has not the %s approvals that count', was.id, needed.quorum));
        END IF;
        is_now.decided_at := at;
        is_now.not_before := greatest(at + make_interval(secs => needed.timelock_s), is_now.scheduled_for);
        is_now.valid_until := is_now.not_before + make_interval(secs => needed.valid_s);
    ELSIF is_now.state = 'APPLIED' AND was.state = 'APPROVED' THEN
        PERFORM governance.demand('proposal:' || was.id, was.kind, was.risk_class);
        is_now.applied_at := at;
        is_now.review_due_at := NULL;
        is_now.reviewed_at := NULL;
    ELSIF is_now.state = 'APPLIED' THEN
        IF was.risk_class <> 'reducing' OR NOT governance.has_reducing_changes(was.kind) THEN
            PERFORM governance.refuse(format('proposal %s is not reducing: it needs approval', was.id));
        END IF;
        is_now.applied_at := at;
        is_now.reviewed_at := NULL;
        is_now.review_due_at := at + make_interval(secs => governance.review_within_s());
    ELSIF is_now.state = 'EXPIRED' THEN
        IF at < coalesce(was.valid_until, 'infinity') THEN
            PERFORM governance.refuse(format('proposal %s has not expired', was.id));
        END IF;
    ELSIF is_now.state = 'REJECTED' THEN
        IF NOT EXISTS (SELECT 1 FROM votes v WHERE v.proposal_id = was.id AND v.revision = was.revision AND v.choice = 'reject') THEN
            PERFORM governance.refuse(format('proposal %s: nobody rejected it', was.id));
        END IF;
        is_now.decided_at := at;
    END IF;
    RETURN is_now;
END $$;

-- Whoever says "applied" at the end of a transaction has applied: every part of the proposal has a version that names it.
CREATE OR REPLACE FUNCTION governance.applied_is_true() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state <> 'APPLIED' OR NEW.is_demo THEN
        RETURN NULL;
    END IF;
    IF NEW.kind = 'parameters' AND EXISTS (
        -- Not called slug: within the inner query that would be the market's own.
        SELECT 1 FROM jsonb_object_keys(NEW.change -> 'markets') part
        WHERE NOT EXISTS (SELECT 1 FROM parameter_sets_history h JOIN markets m ON m.id = h.market_id
                          WHERE m.slug = part AND h.authorised_by = 'proposal:' || NEW.id)) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and no version of its markets names it', NEW.id));
    END IF;
    IF NEW.kind = 'limits' AND EXISTS (
        SELECT 1 FROM jsonb_object_keys(NEW.change -> 'limits') part
        WHERE NOT EXISTS (SELECT 1 FROM exposure_limits_history h
                          WHERE h.scope || ':' || h.key = part AND h.authorised_by = 'proposal:' || NEW.id)) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and no version of its limits names it', NEW.id));
    END IF;
    IF NEW.kind = 'registry' AND EXISTS (
        SELECT 1 FROM jsonb_object_keys(NEW.change -> 'registry') part
        WHERE NOT governance.registry_part_names(part, 'proposal:' || NEW.id)) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and a row of its registry does not name it', NEW.id));
    END IF;
    RETURN NULL;
END $$;

-- Whether the row of that name says that this allowed its version.
CREATE FUNCTION governance.registry_part_names(the_part text, the_authority text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM assets WHERE 'asset:' || id = the_part AND authorised_by = the_authority)
        OR EXISTS (SELECT 1 FROM venues WHERE 'venue:' || slug = the_part AND authorised_by = the_authority)
        OR EXISTS (SELECT 1 FROM venue_accounts WHERE 'account:' || slug = the_part AND authorised_by = the_authority)
        OR EXISTS (SELECT 1 FROM markets WHERE 'market:' || slug = the_part AND authorised_by = the_authority)
$$;

-- A reducing change of this market, of a limit above it or of its own row was not looked at in time.
CREATE FUNCTION governance.is_overdue(the_market bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM markets m, proposals o
        WHERE m.id = the_market AND o.state = 'APPLIED' AND o.review_due_at < governance.now() AND o.reviewed_at IS NULL
          AND CASE o.kind
              WHEN 'parameters' THEN o.change -> 'markets' ? m.slug
              WHEN 'limits' THEN EXISTS (SELECT 1 FROM jsonb_object_keys(o.change -> 'limits') part
                                         WHERE part LIKE 'desk:%' OR part = 'asset:' || m.base_id)
              WHEN 'registry' THEN o.change -> 'registry' ? ('market:' || m.slug)
              ELSE false END)
$$;

-- The scope of a control, a market's or the desk's, while something of one of its markets is overdue.
CREATE OR REPLACE FUNCTION governance.refuse_while_overdue(the_scope text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM markets m WHERE the_scope IN ('desk', m.slug) AND governance.is_overdue(m.id)) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', the_scope));
    END IF;
END $$;

-- A market that a proposal added begins with the parameters that the same proposal says, every one of them.
CREATE FUNCTION governance.demand_first_parameters(is_now parameter_sets) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    m markets;
    wanted jsonb;
    name text;
BEGIN
    p := governance.demand(is_now.authorised_by, 'registry', 'strictest');
    SELECT * INTO m FROM markets WHERE id = is_now.market_id;
    wanted := p.change -> 'parameters' -> m.slug;
    IF wanted IS NULL OR is_now.version <> 1 OR m.version <> 1 OR m.authorised_by <> is_now.authorised_by THEN
        PERFORM governance.refuse(format('proposal %s gives no first parameters to %s', p.id, m.slug));
    END IF;
    FOR name IN SELECT jsonb_object_keys(to_jsonb(is_now) - governance.record_columns()) LOOP
        IF (to_jsonb(is_now) ->> name)::numeric IS DISTINCT FROM (wanted ->> name)::numeric THEN
            PERFORM governance.refuse(format('proposal %s says another %s for %s', p.id, name, m.slug));
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION governance.guard_parameter_sets() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    class text;
    wanted jsonb;
    slug text;
    name text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a set of parameters is never deleted');
    END IF;
    IF governance.genesis_is_open() THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM governance.demand_first_parameters(NEW);
        RETURN NEW;
    END IF;
    IF NEW.version <> OLD.version + 1 OR NEW.market_id <> OLD.market_id OR NEW.id <> OLD.id THEN
        PERFORM governance.refuse('a set of parameters changes only as its next version');
    END IF;
    class := governance.class_of_parameters(OLD, NEW);
    p := governance.demand(NEW.authorised_by, 'parameters', class);
    slug := (SELECT m.slug FROM markets m WHERE m.id = NEW.market_id);
    wanted := p.change -> 'markets' -> slug;
    IF wanted IS NULL OR (p.base -> slug ->> 'version')::bigint IS DISTINCT FROM OLD.version
       OR p.base -> slug ->> 'hash' IS DISTINCT FROM OLD.values_hash THEN
        PERFORM governance.refuse(format('proposal %s is about another version of %s', p.id, slug));
    END IF;
    FOR name IN SELECT jsonb_object_keys(to_jsonb(NEW) - governance.record_columns()) LOOP
        IF (to_jsonb(NEW) ->> name)::numeric
           IS DISTINCT FROM coalesce((wanted ->> name)::numeric, (to_jsonb(OLD) ->> name)::numeric) THEN
            PERFORM governance.refuse(format('proposal %s says another %s for %s', p.id, name, slug));
        END IF;
    END LOOP;
    IF class <> 'reducing' AND governance.is_overdue(NEW.market_id) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', slug));
    END IF;
    RETURN NEW;
END $$;

-- A limit changes as its next version, as a proposal says; lowering one, or putting one where none stood, needs no approval.
CREATE OR REPLACE FUNCTION governance.guard_exposure_limits() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    none CONSTANT numeric := 'Infinity';
    before jsonb := '{}';
    class text := 'reducing';
    part text := NEW.scope || ':' || NEW.key;
    p proposals;
    wanted jsonb;
    name text;
    expected text;
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a limit of asset or desk is never deleted: it is proposed to stand no more');
    END IF;
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD);
        IF NEW.version <> OLD.version + 1 OR (NEW.id, NEW.scope, NEW.key) IS DISTINCT FROM (OLD.id, OLD.scope, OLD.key) THEN
            PERFORM governance.refuse('a limit of asset or desk changes only as its next version');
        END IF;
        IF coalesce(NEW.soft_limit, none) > coalesce(OLD.soft_limit, none)
           OR coalesce(NEW.hard_limit, none) > coalesce(OLD.hard_limit, none) THEN
            class := 'increasing';
        END IF;
    ELSIF NEW.version <> 1 OR NEW.hard_limit IS NULL OR NOT EXISTS (SELECT 1 FROM assets a WHERE a.id = NEW.key) THEN
        PERFORM governance.refuse('the first version of a limit is a limit of an asset that there is');
    END IF;
    p := governance.demand(NEW.authorised_by, 'limits', class);
    wanted := p.change -> 'limits' -> part;
    IF wanted IS NULL OR (p.base -> part ->> 'version')::bigint IS DISTINCT FROM NEW.version - 1 THEN
        PERFORM governance.refuse(format('proposal %s is about another version of %s', p.id, part));
    END IF;
    FOREACH name IN ARRAY ARRAY['soft_limit', 'hard_limit'] LOOP
        expected := CASE WHEN wanted ? name THEN nullif(wanted ->> name, 'none') ELSE before ->> name END;
        IF (to_jsonb(NEW) ->> name)::numeric IS DISTINCT FROM expected::numeric THEN
            PERFORM governance.refuse(format('proposal %s says another %s for %s', p.id, name, part));
        END IF;
    END LOOP;
    IF class <> 'reducing' AND EXISTS (
        SELECT 1 FROM markets m WHERE (NEW.scope = 'desk' OR m.base_id = NEW.key) AND governance.is_overdue(m.id)) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', part));
    END IF;
    RETURN NEW;
END $$;

-- Every version of a limit leaves its row in the history, with the same values, by the end of its transaction.
CREATE FUNCTION governance.limit_is_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT governance.genesis_is_open() AND NOT EXISTS (
        SELECT 1 FROM exposure_limits_history h
        WHERE h.id = NEW.id AND h.version = NEW.version
          AND to_jsonb(h) - ARRAY['history_id', 'history_date', 'history_change_reason', 'history_type', 'history_user_id']
              = to_jsonb(NEW)) THEN
        PERFORM governance.refuse(format('version %s of the limit %s:%s is not in the history', NEW.version, NEW.scope, NEW.key));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER exposure_limits_version_is_kept AFTER INSERT OR UPDATE ON exposure_limits
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance.limit_is_kept();

CREATE FUNCTION governance.guard_history_of_limits() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM exposure_limits s
        WHERE to_jsonb(s)
              = to_jsonb(NEW) - ARRAY['history_id', 'history_date', 'history_change_reason', 'history_type', 'history_user_id'])
       OR EXISTS (SELECT 1 FROM exposure_limits_history h WHERE h.id = NEW.id AND h.version = NEW.version) THEN
        PERFORM governance.refuse('the history keeps the versions that were in force, each once');
    END IF;
    NEW.history_date := governance.now();
    RETURN NEW;
END $$;
CREATE TRIGGER exposure_limits_history_guard BEFORE INSERT ON exposure_limits_history
    FOR EACH ROW EXECUTE FUNCTION governance.guard_history_of_limits();
CREATE TRIGGER exposure_limits_history_append_only BEFORE UPDATE OR DELETE ON exposure_limits_history
    FOR EACH ROW EXECUTE FUNCTION governance.refuse_change();
CREATE TRIGGER exposure_limits_history_stays BEFORE TRUNCATE ON exposure_limits_history
    FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change();

-- The governed words of a row of the registry, as a proposal writes them; NULL for a table of which no proposal speaks.
CREATE FUNCTION governance.registry_words(the_table text, the_row jsonb) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE the_table
        WHEN 'assets' THEN jsonb_build_object(
            'name', the_row ->> 'name', 'decimals', the_row ->> 'decimals', 'chain_address', the_row ->> 'chain_address')
        WHEN 'venues' THEN jsonb_build_object(
            'name', the_row ->> 'name', 'kind', the_row ->> 'kind', 'adapter', the_row ->> 'adapter')
        WHEN 'venue_accounts' THEN jsonb_build_object(
            'venue', (SELECT v.slug FROM venues v WHERE v.id = (the_row ->> 'venue_id')::bigint))
        WHEN 'markets' THEN jsonb_build_object(
            'account', (SELECT a.slug FROM venue_accounts a WHERE a.id = (the_row ->> 'account_id')::bigint),
            'base', the_row ->> 'base_id', 'quote', the_row ->> 'quote_id', 'venue_symbol', the_row ->> 'venue_symbol',
            'lot_size', trim_scale((the_row ->> 'lot_size')::numeric)::text, 'instrument', the_row ->> 'instrument',
            'contract_value', trim_scale((the_row ->> 'contract_value')::numeric)::text,
            'is_active', the_row ->> 'is_active', 'source_label', the_row ->> 'source_label')
    END
$$;

-- Which class a change of these words has: labels are neutral, switching a market off is reducing, on is increasing, the rest
-- may move money elsewhere.
CREATE FUNCTION governance.class_of_words(was jsonb, is_now jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    name text;
    found text := 'reducing';
BEGIN
    FOR name IN SELECT jsonb_object_keys(is_now) LOOP
        CONTINUE WHEN was ->> name = is_now ->> name;
        IF name = 'is_active' THEN
            IF is_now ->> name <> 'false' THEN
                found := 'increasing';
            END IF;
        ELSIF name IN ('name', 'source_label') THEN
            found := CASE found WHEN 'reducing' THEN 'neutral' ELSE found END;
        ELSE
            RETURN 'strictest';
        END IF;
    END LOOP;
    RETURN found;
END $$;

-- What a market's inventory and books were counted with never changes once there is an order, a fill or a payment of it. Waits
-- for whoever is writing one now.
CREATE FUNCTION governance.refuse_if_traded(the_table text, the_id bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    IF the_table = 'venue_accounts' THEN
        PERFORM 1 FROM venue_accounts a WHERE a.id = the_id FOR UPDATE;
        ids := ARRAY(SELECT m.id FROM markets m WHERE m.account_id = the_id ORDER BY m.id FOR UPDATE);
    ELSE
        ids := ARRAY(SELECT m.id FROM markets m WHERE m.id = the_id FOR UPDATE);
    END IF;
    IF EXISTS (SELECT 1 FROM orders o WHERE o.market_id = ANY (ids)) OR EXISTS (SELECT 1 FROM fills f WHERE f.market_id = ANY (ids))
       OR EXISTS (SELECT 1 FROM cash_movements c WHERE c.market_id = ANY (ids)
                                                    OR (the_table = 'venue_accounts' AND c.account_id = the_id)) THEN
        PERFORM governance.refuse('what was traded keeps its account, symbol, assets, instrument and units');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance.guard_registry() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    loose CONSTANT text[] := ARRAY['is_active', 'note'];
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    is_now jsonb := to_jsonb(NEW);
    was_words jsonb;
    words jsonb;
    part text;
    wanted jsonb;
    class text;
    p proposals;
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND is_now - loose = before - loose AND NOT (is_now ->> 'is_active' = 'true' AND before ->> 'is_active' = 'false') THEN
        RETURN NEW;
    END IF;
    words := governance.registry_words(TG_TABLE_NAME, is_now);
    IF TG_OP = 'DELETE' OR words IS NULL THEN
        PERFORM governance.refuse(format('%s: this belongs to the genesis', TG_TABLE_NAME));
    END IF;
    part := CASE TG_TABLE_NAME WHEN 'assets' THEN 'asset' WHEN 'venues' THEN 'venue' WHEN 'venue_accounts' THEN 'account'
            ELSE 'market' END || ':' || coalesce(is_now ->> 'slug', is_now ->> 'id');
    was_words := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE governance.registry_words(TG_TABLE_NAME, before) END;
    class := CASE WHEN TG_OP = 'INSERT' THEN 'strictest' ELSE governance.class_of_words(was_words, words) END;
    p := governance.demand(is_now ->> 'authorised_by', 'registry', class);
    wanted := p.change -> 'registry' -> part;
    IF wanted IS NULL OR (is_now ->> 'version')::bigint IS DISTINCT FROM coalesce((before ->> 'version')::bigint, 0) + 1
       OR (p.base -> part ->> 'version')::bigint IS DISTINCT FROM coalesce((before ->> 'version')::bigint, 0)
       OR (TG_OP = 'UPDATE' AND (is_now ->> 'id', is_now ->> 'slug') IS DISTINCT FROM (before ->> 'id', before ->> 'slug')) THEN
        PERFORM governance.refuse(format('proposal %s is about another version of %s', p.id, part));
    END IF;
    IF words IS DISTINCT FROM was_words || wanted THEN
        PERFORM governance.refuse(format('proposal %s says other values for %s', p.id, part));
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('markets', 'venue_accounts')
       AND words - ARRAY['is_active', 'source_label'] <> was_words - ARRAY['is_active', 'source_label'] THEN
        PERFORM governance.refuse_if_traded(TG_TABLE_NAME, (is_now ->> 'id')::bigint);
    END IF;
    IF class <> 'reducing' AND TG_OP = 'UPDATE' AND governance.registry_is_overdue(TG_TABLE_NAME, is_now) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', part));
    END IF;
    RETURN NEW;
END $$;

-- A market that this row is, or stands under it, has a review overdue.
CREATE FUNCTION governance.registry_is_overdue(the_table text, the_row jsonb) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM markets m JOIN venue_accounts a ON a.id = m.account_id
        WHERE CASE the_table
              WHEN 'markets' THEN m.id::text = the_row ->> 'id'
              WHEN 'venue_accounts' THEN a.id::text = the_row ->> 'id'
              WHEN 'venues' THEN a.venue_id::text = the_row ->> 'id'
              ELSE the_row ->> 'id' IN (m.base_id, m.quote_id) END
          AND governance.is_overdue(m.id))
$$;
