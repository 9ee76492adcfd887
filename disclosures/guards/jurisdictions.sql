-- Where the public is refused or warned, and in which words, gets looser only by a proposal that others approved; stricter at once,
-- by one that says exactly this. The class is judged from the rows themselves (disclosures/jurisdictions/rules.py says the same).

-- 0 nothing, 1 a notice, 2 a refusal; documents are never refused.
CREATE FUNCTION governance.jurisdiction_level(rule jurisdiction_rules, room text) RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN rule.scope NOT IN ('site', room) THEN 0
                ELSE least(CASE rule.mode WHEN 'none' THEN 0 WHEN 'banner' THEN 1 ELSE 2 END,
                           CASE room WHEN 'documents' THEN 1 ELSE 2 END) END
$$;

-- Reducing: no room is less guarded than before, and the words are the same or come with a stricter mode. What other words do
-- nobody can compute.
CREATE FUNCTION governance.class_of_jurisdiction(was jurisdiction_rules, is_now jurisdiction_rules) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT 1 FROM unnest(ARRAY['dashboards', 'acknowledgement', 'documents']) AS room
                             WHERE governance.jurisdiction_level(is_now, room) < governance.jurisdiction_level(was, room))
                THEN 'increasing'
                WHEN (is_now.notice_en, is_now.notice_dv) IS DISTINCT FROM (was.notice_en, was.notice_dv)
                     AND array_position(ARRAY['none', 'banner', 'block'], is_now.mode::text)
                         <= array_position(ARRAY['none', 'banner', 'block'], was.mode::text)
                THEN 'strictest'
                ELSE 'reducing' END
$$;

-- A first rule takes its country out of the default one's reach for good: only what is stricter somewhere is safer.
CREATE FUNCTION governance.class_of_first_jurisdiction(everywhere jurisdiction_rules, is_now jurisdiction_rules) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN governance.class_of_jurisdiction(everywhere, is_now) = 'reducing'
                     AND NOT EXISTS (SELECT 1 FROM unnest(ARRAY['dashboards', 'acknowledgement', 'documents']) AS room
                                     WHERE governance.jurisdiction_level(is_now, room)
                                           > governance.jurisdiction_level(everywhere, room))
                THEN 'increasing'
                ELSE governance.class_of_jurisdiction(everywhere, is_now) END
$$;

CREATE FUNCTION governance.guard_jurisdictions() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    was jurisdiction_rules;
    everywhere jurisdiction_rules;
    p proposals;
    name text;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM governance.refuse('a version of a rule of a jurisdiction is never changed or deleted');
    END IF;
    -- One after the other, whatever the country: a first rule is judged against the default one of this moment.
    PERFORM pg_advisory_xact_lock(hashtext('jurisdiction_rules'));
    SELECT * INTO was FROM jurisdiction_rules r WHERE r.country = NEW.country ORDER BY version DESC LIMIT 1;
    SELECT * INTO everywhere FROM jurisdiction_rules r WHERE r.country = 'default' ORDER BY version DESC LIMIT 1;
    IF everywhere.id IS NULL OR NEW.version <> coalesce(was.version, 0) + 1 THEN
        PERFORM governance.refuse('the rule of a jurisdiction changes only as its next version');
    END IF;
    p := governance.demand(NEW.authorised_by, 'jurisdiction',
                           CASE WHEN was.id IS NULL THEN governance.class_of_first_jurisdiction(everywhere, NEW)
                                ELSE governance.class_of_jurisdiction(was, NEW) END);
    IF p.subject <> 'jurisdiction:' || NEW.country THEN
        PERFORM governance.refuse(format('proposal %s is about another jurisdiction', p.id));
    END IF;
    IF (p.base -> p.subject ->> 'version')::bigint IS DISTINCT FROM coalesce(was.version, 0)::bigint
       OR (p.base -> 'jurisdiction:default' ->> 'version')::bigint IS DISTINCT FROM everywhere.version::bigint THEN
        PERFORM governance.refuse(format('proposal %s is about another version of the rules by jurisdiction', p.id));
    END IF;
    FOREACH name IN ARRAY ARRAY['country', 'mode', 'scope', 'notice_en', 'notice_dv'] LOOP
        IF to_jsonb(NEW) ->> name IS DISTINCT FROM p.change ->> name THEN
            PERFORM governance.refuse(format('proposal %s says another %s', p.id, name));
        END IF;
    END LOOP;
    NEW.reason := p.reason;
    NEW.actor_id := p.proposer_id::text;
    NEW.actor_name := p.proposer_name;
    NEW.applied_at := governance.now();
    RETURN NEW;
END $$;
CREATE TRIGGER jurisdiction_rules_guard BEFORE INSERT OR UPDATE OR DELETE ON jurisdiction_rules
    FOR EACH ROW EXECUTE FUNCTION governance.guard_jurisdictions();
CREATE TRIGGER jurisdiction_rules_stays BEFORE TRUNCATE ON jurisdiction_rules
    FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change();

-- Whoever says "applied" has applied.
CREATE FUNCTION governance.jurisdiction_is_applied() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.state = 'APPLIED' AND NEW.kind = 'jurisdiction' AND NOT NEW.is_demo
       AND NOT EXISTS (SELECT 1 FROM jurisdiction_rules WHERE authorised_by = 'proposal:' || NEW.id) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and no rule of a jurisdiction names it', NEW.id));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER jurisdiction_is_applied AFTER UPDATE OF state ON proposals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION governance.jurisdiction_is_applied();

-- Kinds of which one person may apply what only makes things safer: this one too.
CREATE OR REPLACE FUNCTION governance.has_reducing_changes(the_kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT the_kind IN ('parameters', 'role_grant', 'limits', 'registry', 'account', 'publication', 'jurisdiction')
$$;
