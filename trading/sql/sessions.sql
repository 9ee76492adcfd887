-- A session's peak only rises and its opening never changes: otherwise a drawdown could be forgotten.
CREATE FUNCTION session_peak_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.peak < OLD.peak THEN
        RAISE EXCEPTION 'session % refused: its peak only rises', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.market_id, NEW.day, NEW.number, NEW.opening_pnl, NEW.opening_price)
            IS DISTINCT FROM (OLD.market_id, OLD.day, OLD.number, OLD.opening_pnl, OLD.opening_price) THEN
        RAISE EXCEPTION 'session % refused: what it opened with stays', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sessions_peak_rises BEFORE UPDATE ON trading_sessions FOR EACH ROW EXECUTE FUNCTION session_peak_rises();
CREATE TRIGGER sessions_no_delete BEFORE DELETE ON trading_sessions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sessions_no_truncate BEFORE TRUNCATE ON trading_sessions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
