-- Documents for the public have a rule of their own: compliance votes on them, and on nothing else.
CREATE OR REPLACE FUNCTION governance.required_by(the_version bigint, the_rule text, the_class text,
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
        -- A policy from before there were documents does not name them: the strictest class holds.
        WHEN the_rule = 'document' AND rules -> 'kinds' ? 'document' THEN rules -> 'kinds' -> 'document'
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
    IF the_class IN ('increasing', 'strictest') AND the_rule NOT IN ('control', 'control_kill', 'document') THEN
        quorum := greatest(quorum, 2);
    ELSIF the_class <> 'reducing' OR the_rule <> 'parameters' THEN
        quorum := greatest(quorum, 1);
    END IF;
    IF the_rule <> 'document' THEN
        roles := array_remove(roles, 'compliance');
    END IF;
END $$;

-- A guardian, by membership or by an open grant, votes on nothing but documents.
CREATE OR REPLACE FUNCTION governance.may_vote(the_person bigint, since timestamptz, the_roles text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM users u
        WHERE u.id = the_person AND u.is_active AND u.date_joined <= since
          AND (u.credentials_changed_at IS NULL OR u.credentials_changed_at <= since)
          AND (u.roles_changed_at IS NULL OR u.roles_changed_at <= since)
          AND (u.activated_at IS NULL OR u.activated_at <= since)
          AND EXISTS (SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
                      WHERE m.user_id = u.id AND g.name = ANY (the_roles))
          AND ('compliance' = ANY (the_roles) OR NOT governance.is_guardian(u.id))
    )
$$;

CREATE OR REPLACE FUNCTION governance.demands_key_by(the_version bigint, the_rule text, the_class text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(CASE
        WHEN the_rule = 'parameters' THEN body -> 'classes' -> the_class
        WHEN the_rule IN ('control', 'control_kill') THEN body -> 'kinds' -> the_rule
        WHEN the_rule = 'document' AND body -> 'kinds' ? 'document' THEN body -> 'kinds' -> 'document'
        ELSE body -> 'classes' -> 'strictest'
    END -> 'demands_security_key', 'false') <> 'false'
    FROM review_policies WHERE version = the_version
$$;
