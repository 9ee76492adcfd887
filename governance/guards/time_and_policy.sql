-- Functions of the guards. They stand in a schema of their own, belong to the owner, and read only what they name: temporary
-- tables come last in their search path, so that nobody can put one in the place of a real one.
CREATE SCHEMA IF NOT EXISTS governance;
REVOKE ALL ON SCHEMA governance FROM PUBLIC;

-- The one clock of every rule. Only the owner may replace it (tests do).
CREATE FUNCTION governance.now() RETURNS timestamptz LANGUAGE sql VOLATILE
SET search_path = pg_catalog, public, pg_temp AS 'SELECT clock_timestamp()';

CREATE FUNCTION governance.refuse(message text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '%', message USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION governance.refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM governance.refuse(format('%s of %s refused: this table only grows', TG_OP, TG_TABLE_NAME));
    RETURN NULL;
END $$;

-- First rows of a new installation may name no proposal. The owner closes this once; the application can only read it.
CREATE FUNCTION governance.genesis_is_open() RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS 'SELECT EXISTS (SELECT 1 FROM governance_genesis WHERE is_open)';

-- What one version of the policy asks for. A version, rule or class that is not there, or is mistyped, raises: nothing passes.
CREATE FUNCTION governance.required_by(the_version bigint, the_rule text, the_class text,
                                       OUT quorum integer, OUT timelock_s integer, OUT valid_s integer, OUT roles text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    rules jsonb;
    entry jsonb;
BEGIN
    SELECT body INTO rules FROM review_policies WHERE version = the_version;
    IF rules IS NULL THEN
        PERFORM governance.refuse(format('there is no review policy %s', the_version));
    END IF;
    entry := CASE
        WHEN the_rule = 'parameters' THEN rules -> 'classes' -> the_class
        WHEN the_rule IN ('control', 'control_kill') THEN rules -> 'kinds' -> the_rule
        ELSE rules -> 'classes' -> 'strictest'
    END;
    IF entry IS NULL OR jsonb_typeof(entry -> 'quorum') <> 'number' OR jsonb_typeof(entry -> 'timelock_s') <> 'number'
       OR jsonb_typeof(entry -> 'valid_s') <> 'number' THEN
        PERFORM governance.refuse(format('review policy %s cannot be read for %s %s', the_version, the_rule, the_class));
    END IF;
    quorum := (entry ->> 'quorum')::integer;
    timelock_s := (entry ->> 'timelock_s')::integer;
    valid_s := (entry ->> 'valid_s')::integer;
    roles := ARRAY(SELECT jsonb_array_elements_text(coalesce(entry -> 'roles', '[]')));
    -- No policy may go below this.
    IF the_class IN ('increasing', 'strictest') AND the_rule NOT IN ('control', 'control_kill') THEN
        quorum := greatest(quorum, 2);
    ELSIF the_class <> 'reducing' OR the_rule <> 'parameters' THEN
        quorum := greatest(quorum, 1);
    END IF;
END $$;

-- The stricter of the policy that the proposal was made under and the one in force.
CREATE FUNCTION governance.required(made_under bigint, the_rule text, the_class text,
                                    OUT quorum integer, OUT timelock_s integer, OUT valid_s integer, OUT roles text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    one record;
    other record;
BEGIN
    one := governance.required_by(made_under, the_rule, the_class);
    other := governance.required_by((SELECT max(version) FROM review_policies), the_rule, the_class);
    quorum := greatest(one.quorum, other.quorum);
    timelock_s := greatest(one.timelock_s, other.timelock_s);
    valid_s := least(one.valid_s, other.valid_s);
    roles := ARRAY(SELECT unnest(one.roles) INTERSECT SELECT unnest(other.roles));
END $$;

-- The rule of the policy that a proposal falls under.
CREATE FUNCTION governance.rule_of(the_kind text, the_subject text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN the_kind = 'control' AND the_subject LIKE 'control:%:kill' THEN 'control_kill' ELSE the_kind END
$$;

-- A person who may vote on what was made at `since`: active, a member of a role that votes and not the guardian, and nobody who
-- was made, promoted, reset or opened since.
CREATE FUNCTION governance.may_vote(the_person bigint, since timestamptz, the_roles text[]) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM users u
        WHERE u.id = the_person AND u.is_active AND u.date_joined <= since
          AND (u.credentials_changed_at IS NULL OR u.credentials_changed_at <= since)
          AND (u.roles_changed_at IS NULL OR u.roles_changed_at <= since)
          AND (u.activated_at IS NULL OR u.activated_at <= since)
          AND EXISTS (SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
                      WHERE m.user_id = u.id AND g.name = ANY (the_roles))
          AND NOT EXISTS (SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
                          WHERE m.user_id = u.id AND g.name = 'compliance')
    )
$$;

-- A change about a person's own role, credentials or token is nothing that person votes on.
CREATE FUNCTION governance.is_about(the_subject text, the_person bigint) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT split_part(the_subject, ':', 1) IN ('role', 'credentials', 'token')
       AND EXISTS (SELECT 1 FROM users u WHERE u.id = the_person AND u.username = split_part(the_subject, ':', 2))
$$;

-- Approvals of this very content that count now.
CREATE FUNCTION governance.approvals(the_proposal bigint, the_roles text[]) RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(DISTINCT v.voter_id)
    FROM votes v JOIN proposals p ON p.id = v.proposal_id
    WHERE p.id = the_proposal AND v.revision = p.revision AND v.choice = 'approve' AND v.content_hash = p.content_hash
      AND v.voter_id <> p.proposer_id AND NOT governance.is_about(p.subject, v.voter_id)
      AND governance.may_vote(v.voter_id, p.created_at, the_roles)
$$;

-- Whether the proposal may take effect now as a change of that class. Raises with the reason where it may not.
CREATE FUNCTION governance.demand(the_authority text, the_kind text, the_class text) RETURNS proposals
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
    needed record;
    at timestamptz := governance.now();
BEGIN
    IF the_authority !~ '^proposal:[0-9]{1,18}$' THEN
        PERFORM governance.refuse(format('%s changes only by an approved proposal, not by "%s"', the_kind, left(the_authority, 60)));
    END IF;
    SELECT * INTO p FROM proposals WHERE id = split_part(the_authority, ':', 2)::bigint FOR SHARE;
    IF p.id IS NULL OR p.kind <> the_kind THEN
        PERFORM governance.refuse(format('%s explains no change of %s', the_authority, the_kind));
    END IF;
    IF the_class = 'reducing' THEN
        IF p.state NOT IN ('DRAFT', 'APPROVED', 'APPLIED') THEN
            PERFORM governance.refuse(format('%s is %s', the_authority, p.state));
        END IF;
        RETURN p;
    END IF;
    IF p.state NOT IN ('APPROVED', 'APPLIED') THEN
        PERFORM governance.refuse(format('%s is %s, not approved', the_authority, p.state));
    END IF;
    needed := governance.required(p.policy_version, governance.rule_of(p.kind, p.subject), the_class);
    IF governance.approvals(p.id, needed.roles) < needed.quorum THEN
        PERFORM governance.refuse(format('%s has not the %s approvals that count', the_authority, needed.quorum));
    END IF;
    IF p.decided_at IS NULL OR at < p.decided_at + make_interval(secs => needed.timelock_s)
       OR at < coalesce(p.not_before, 'infinity') OR at < coalesce(p.scheduled_for, '-infinity') THEN
        PERFORM governance.refuse(format('%s is still in its timelock', the_authority));
    END IF;
    IF at >= coalesce(p.valid_until, '-infinity') THEN
        PERFORM governance.refuse(format('%s is no longer valid', the_authority));
    END IF;
    RETURN p;
END $$;
