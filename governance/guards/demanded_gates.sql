-- The gates that a market demands are words of its row: they change as a proposal says, also after it was traded.
CREATE OR REPLACE FUNCTION governance.registry_words(the_table text, the_row jsonb) RETURNS jsonb LANGUAGE sql STABLE
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
            'is_active', the_row ->> 'is_active', 'source_label', the_row ->> 'source_label',
            'demanded_gates', the_row ->> 'demanded_gates')
    END
$$;

-- Which class a change of these words has: labels are neutral, switching a market off or demanding one more gate is reducing,
-- switching it on is increasing; demanding a gate no more, as the rest, is the strictest.
CREATE OR REPLACE FUNCTION governance.class_of_words(was jsonb, is_now jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE
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
        ELSIF name = 'demanded_gates' AND string_to_array(was ->> name, ',') <@ string_to_array(is_now ->> name, ',') THEN
            CONTINUE;
        ELSE
            RETURN 'strictest';
        END IF;
    END LOOP;
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION governance.guard_registry() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    loose CONSTANT text[] := ARRAY['is_active', 'note'];
    -- What may change of a market that was traded.
    free CONSTANT text[] := ARRAY['is_active', 'source_label', 'demanded_gates'];
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
    -- A new market of which a proposal says nothing else demands no gate.
    was_words := CASE WHEN TG_OP = 'UPDATE' THEN governance.registry_words(TG_TABLE_NAME, before)
                 WHEN TG_TABLE_NAME = 'markets' THEN '{"demanded_gates": ""}' ELSE '{}' END;
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
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('markets', 'venue_accounts') AND words - free <> was_words - free THEN
        PERFORM governance.refuse_if_traded(TG_TABLE_NAME, (is_now ->> 'id')::bigint);
    END IF;
    IF class <> 'reducing' AND TG_OP = 'UPDATE' AND governance.registry_is_overdue(TG_TABLE_NAME, is_now) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', part));
    END IF;
    RETURN NEW;
END $$;
