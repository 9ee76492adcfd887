-- Which class a change of a market's parameters has, judged from the rows themselves: every column that the table of directions
-- names, and every other column of the schema as unknown. Versions of seven days ago count, so that small steps do not add up.
CREATE FUNCTION governance.class_of_parameters(was parameter_sets, is_now parameter_sets) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    old_values jsonb := to_jsonb(was) - governance.record_columns();
    new_values jsonb := to_jsonb(is_now) - governance.record_columns();
    before jsonb;
    name text;
    way text;
    small numeric;
    old_value numeric;
    new_value numeric;
    found text := 'reducing';
BEGIN
    SELECT to_jsonb(h) INTO before FROM parameter_sets_history h
    WHERE h.market_id = was.market_id
      AND h.history_date <= governance.now() - make_interval(secs => governance.drift_window_s())
    ORDER BY h.version DESC LIMIT 1;
    IF before IS NULL THEN
        SELECT to_jsonb(h) INTO before FROM parameter_sets_history h
        WHERE h.market_id = was.market_id ORDER BY h.version LIMIT 1;
    END IF;
    FOR name IN SELECT jsonb_object_keys(new_values) LOOP
        old_value := (old_values ->> name)::numeric;
        new_value := (new_values ->> name)::numeric;
        CONTINUE WHEN old_value = new_value;
        SELECT d.direction, d.small_change INTO way, small FROM risk_directions d WHERE d.parameter = name;
        IF way = 'up_is_riskier' THEN
            IF new_value > old_value THEN RETURN 'increasing'; END IF;
        ELSIF way = 'down_is_riskier' THEN
            IF new_value < old_value THEN RETURN 'increasing'; END IF;
        ELSIF way = 'neutral_both_strict' THEN
            IF (abs(new_value - old_value) <= small * abs(old_value)
                AND abs(new_value - (before ->> name)::numeric) <= small * abs((before ->> name)::numeric)) IS NOT TRUE THEN
                RETURN 'increasing';
            END IF;
            found := 'neutral';
        ELSE
            RETURN 'increasing';
        END IF;
    END LOOP;
    RETURN found;
END $$;

-- Columns of a set that are about its version, not values.
CREATE FUNCTION governance.record_columns() RETURNS text[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ARRAY['id', 'market_id', 'version', 'values_hash', 'reason', 'authorised_by', 'actor_id', 'actor_name', 'applied_at']
$$;

CREATE FUNCTION governance.drift_window_s() RETURNS integer LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT greatest((body ->> 'drift_window_s')::integer, 604800) FROM review_policies ORDER BY version DESC LIMIT 1
$$;

CREATE FUNCTION governance.guard_parameter_sets() RETURNS trigger LANGUAGE plpgsql
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
        PERFORM governance.refuse('a market''s first parameters belong to the genesis');
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
    IF class <> 'reducing' AND EXISTS (
        SELECT 1 FROM proposals o
        WHERE o.kind = 'parameters' AND o.state = 'APPLIED' AND o.review_due_at < governance.now() AND o.reviewed_at IS NULL
          AND o.change -> 'markets' ? slug) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', slug));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER parameter_sets_guard BEFORE INSERT OR UPDATE OR DELETE ON parameter_sets
    FOR EACH ROW EXECUTE FUNCTION governance.guard_parameter_sets();

-- Every version leaves its row in the history, with the same values, by the end of its transaction.
CREATE FUNCTION governance.version_is_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM parameter_sets_history h
        WHERE h.id = NEW.id AND h.version = NEW.version
          AND to_jsonb(h) - ARRAY['history_id', 'history_date', 'history_change_reason', 'history_type', 'history_user_id']
              = to_jsonb(NEW)) THEN
        PERFORM governance.refuse(format('version %s of the parameters of market %s is not in the history', NEW.version, NEW.market_id));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER parameter_sets_version_is_kept AFTER INSERT OR UPDATE ON parameter_sets
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance.version_is_kept();

-- The history takes only what is in force at that moment, each version once.
CREATE FUNCTION governance.guard_history() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM parameter_sets s
        WHERE to_jsonb(s)
              = to_jsonb(NEW) - ARRAY['history_id', 'history_date', 'history_change_reason', 'history_type', 'history_user_id'])
       OR EXISTS (SELECT 1 FROM parameter_sets_history h WHERE h.id = NEW.id AND h.version = NEW.version) THEN
        PERFORM governance.refuse('the history keeps the versions that were in force, each once');
    END IF;
    NEW.history_date := governance.now();
    RETURN NEW;
END $$;
CREATE TRIGGER parameter_sets_history_guard BEFORE INSERT ON parameter_sets_history
    FOR EACH ROW EXECUTE FUNCTION governance.guard_history();

-- Limits of asset and desk, and which markets there are: tightening passes, the rest belongs to the genesis until a kind of the
-- review engine takes it over.
CREATE FUNCTION governance.guard_exposure_limits() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP <> 'UPDATE' OR (NEW.id, NEW.scope, NEW.key) IS DISTINCT FROM (OLD.id, OLD.scope, OLD.key)
       OR NEW.soft_limit > OLD.soft_limit OR NEW.hard_limit > OLD.hard_limit THEN
        PERFORM governance.refuse('a limit of asset or desk is only lowered');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER exposure_limits_guard BEFORE INSERT OR UPDATE OR DELETE ON exposure_limits
    FOR EACH ROW EXECUTE FUNCTION governance.guard_exposure_limits();

-- A named gate is only closed, and a scope begins with a control that lets nothing through.
CREATE FUNCTION governance.guard_named_gates() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP <> 'UPDATE' OR (NEW.id, NEW.name) IS DISTINCT FROM (OLD.id, OLD.name) OR (NEW.is_open AND NOT OLD.is_open) THEN
        PERFORM governance.refuse('a named gate is only closed');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER named_gates_guard BEFORE INSERT OR UPDATE OR DELETE ON named_gates
    FOR EACH ROW EXECUTE FUNCTION governance.guard_named_gates();

CREATE FUNCTION governance.guard_first_controls() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT governance.genesis_is_open() AND NEW.state <> 'HALTED' THEN
        PERFORM governance.refuse('the control of a new scope begins halted');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_controls_begin_halted BEFORE INSERT ON trading_controls
    FOR EACH ROW EXECUTE FUNCTION governance.guard_first_controls();

-- A control keeps its scope and its count of versions: else another row's, or an older request's, would stand for it.
CREATE FUNCTION governance.guard_controls() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT governance.genesis_is_open()
       AND ((NEW.id, NEW.scope) IS DISTINCT FROM (OLD.id, OLD.scope) OR NEW.version < OLD.version
            OR (NEW.state <> OLD.state AND NEW.version <> OLD.version + 1)) THEN
        PERFORM governance.refuse('a control changes only as its next version');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_controls_guard BEFORE UPDATE ON trading_controls
    FOR EACH ROW EXECUTE FUNCTION governance.guard_controls();

-- Who asks to resume is an operator, and who confirms another person, an approver.
CREATE FUNCTION governance.guard_resumes() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT governance.genesis_is_open() AND NEW.outcome = 'CONFIRMED' AND (
        NEW.asked_by_id = NEW.decided_by_id OR NOT governance.is_member(NEW.asked_by_id, 'operator')
        OR NOT governance.is_member(NEW.decided_by_id, 'approver')) THEN
        PERFORM governance.refuse('an operator asks to resume, and an approver confirms');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER resume_requests_guard BEFORE INSERT OR UPDATE ON resume_requests
    FOR EACH ROW EXECUTE FUNCTION governance.guard_resumes();

CREATE FUNCTION governance.is_member(the_person text, the_role text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM users u JOIN users_groups m ON m.user_id = u.id JOIN auth_group g ON g.id = m.group_id
                   WHERE u.id::text = the_person AND u.is_active AND g.name = the_role)
$$;

CREATE FUNCTION governance.guard_registry() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    loose CONSTANT text[] := ARRAY['is_active', 'note'];
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP <> 'UPDATE' OR to_jsonb(NEW) - loose <> to_jsonb(OLD) - loose
       OR (to_jsonb(NEW) ->> 'is_active' = 'true' AND to_jsonb(OLD) ->> 'is_active' = 'false') THEN
        PERFORM governance.refuse(format('%s: what is traded, where and in which units belongs to the genesis', TG_TABLE_NAME));
    END IF;
    RETURN NEW;
END $$;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['assets', 'asset_aliases', 'venues', 'venue_accounts', 'markets'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW'
                       ' EXECUTE FUNCTION governance.guard_registry()', name || '_guard', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change()',
                       name || '_stays', name);
    END LOOP;
END $$;
