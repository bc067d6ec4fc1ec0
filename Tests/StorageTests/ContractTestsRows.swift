/// Rows as gateways leave them in all 14 tables: two forms of time, is_active in three, totals and costs of 0, keys that are NULL.
enum GatewayRows {
    static let insert = """
        INSERT INTO usage_logs (user_id, request_id, model, input_tokens, output_tokens, cost, latency, created_at)
        VALUES
          ('ann', 'r1', 'gpt-4o', 100, 50, 0.00075, 900, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 hours')),
          ('ann', 'r2', 'gpt-4o', 10, 5, 0, 300, datetime('now', '-1 hours')),
          ('bob', 'r3', 'house-model', 7, 7, 0, 20, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-3 days')),
          ('bob', 'r4', 'gpt-4o-mini', 1, 1, 0.1, 20, '2026-11-01T00:30:00+02:00'),
          ('bob', 'r5', 'gpt-4o-mini', 1, 1, 0.1, 20, 1793600000);
        INSERT INTO usage_logs (user_id, request_id, model, status, error_message, ip_address, user_agent)
        VALUES ('cleo', 'r6', 'gpt-4o', 'timeout', 'no answer', '192.0.2.1', 'curl/8');
        UPDATE usage_logs SET total_tokens = 150 WHERE request_id = 'r1';
        DELETE FROM usage_logs WHERE request_id = 'r4';
        INSERT INTO rate_limits (id, user_id, requests_count, window_start, window_end, window_type)
        VALUES
          ('l1', 'ann', 3, datetime('now', '-5 minutes'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'hour'),
          ('l2', 'bob', NULL, NULL, NULL, 'day');
        INSERT INTO rate_limits (id, user_id) VALUES ('l3', 'ann');
        INSERT INTO api_keys (id, user_id, key_hash, is_active, expires_at)
        VALUES ('k1', 'ann', 'h1', TRUE, NULL), ('k2', 'bob', 'h2', 'true', '2027-01-01T00:00:00Z'), ('k3', 'bob', 'h3', 'false', NULL);
        INSERT INTO conversations (id, user_id, title, model, metadata) VALUES ('c1', 'ann', 'It''s; a -- title', 'gpt-4o', '{"a":1}');
        INSERT INTO messages (id, conversation_id, user_id, role, content)
        VALUES ('m1', 'c1', 'ann', 'user', 'hello' || char(10) || 'there'), ('m2', 'c1', 'ann', 'assistant', x'00ff');
        INSERT INTO user_preferences (user_id, temperature, enable_streaming) VALUES ('ann', 0.7, 'true');
        INSERT OR REPLACE INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k, is_active)
        VALUES ('own', 'gpt-4o', 'house', 0.5, 1.5, 'true');
        INSERT INTO webhooks (id, user_id, url, events) VALUES ('w1', 'ann', 'https://example.org/hook', '["usage.daily"]');
        INSERT INTO audit_logs (id, user_id, action, resource_type, created_at)
        VALUES ('a1', 'ann', 'request.error', 'usage_log', '2026-11-20T10:00:00.000Z'), ('a2', 'bob', 'login', 'session', NULL);
        INSERT INTO user_sessions (id, user_id, token_hash, expires_at, is_active)
        VALUES ('s1', 'ann', 't1', '2026-11-25T10:00:00.000Z', 1), ('s2', 'bob', 't2', '2020-01-01 00:00:00', 'false');
        INSERT INTO daily_usage_stats (id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate)
        VALUES
          ('ann-gpt-4o-2026-10-01', '2026-10-01', 'ann', 'gpt-4o', 3, 30, 0.3, 33.3333333, 66.6666667),
          ('all-1', '2026-10-01', NULL, NULL, 5, 50, NULL, NULL, NULL), ('all-2', '2026-10-01', NULL, NULL, 6, 60, 1, 1, 100),
          (NULL, '2026-10-02', NULL, NULL, 1, 1, 1, 1, 1), (NULL, '2026-10-02', NULL, NULL, 1, 1, 1, 1, 1);
        INSERT INTO system_metrics (id, metric_name, metric_value, tags) VALUES ('x1', 'queue_depth', 3, '{}'), ('x2', 'load', 0.25, NULL);
        INSERT OR IGNORE INTO feature_flags (id, flag_name, is_enabled, rollout_percentage) VALUES ('f1', 'own_flag', 'true', 100);
        UPDATE feature_flags SET rollout_percentage = 42 WHERE flag_name = 'experimental_models';
        """

    /// What a gateway sends all day, and what 1.0.0 runs at night. Each may be sent again.
    static let daily = [
        """
        INSERT OR IGNORE INTO usage_logs (user_id, request_id, model, input_tokens, output_tokens, cost, latency, created_at)
        VALUES ('dan', 'r100', 'gpt-4o', 11, 22, 0.01, 120, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        """,
        "UPDATE usage_logs SET cost = 0.02, status = 'error' WHERE request_id = 'r100'",
        """
        INSERT OR REPLACE INTO daily_usage_stats (
          id, date, user_id, model, total_requests, total_tokens, total_cost, avg_latency, success_rate
        )
        SELECT user_id || '-' || model || '-' || DATE(created_at), DATE(created_at), user_id, model, COUNT(*), SUM(total_tokens),
               SUM(cost), AVG(latency), SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END) * 100.0 / COUNT(*)
        FROM usage_logs
        WHERE DATE(created_at) = DATE('now')
        GROUP BY DATE(created_at), user_id, model
        """,
        "DELETE FROM usage_logs WHERE request_id = 'r100'",
        """
        INSERT INTO rate_limits (id, user_id, requests_count, window_type) VALUES ('l9', 'dan', 1, 'minute')
        ON CONFLICT (id) DO UPDATE SET requests_count = requests_count + 1
        """,
        "UPDATE api_keys SET last_used_at = CURRENT_TIMESTAMP, is_active = 'false' WHERE key_hash = 'h1'",
        "INSERT OR REPLACE INTO user_preferences (user_id, max_tokens, privacy_mode) VALUES ('dan', 100, TRUE)",
        "UPDATE webhooks SET last_delivery_at = CURRENT_TIMESTAMP WHERE id = 'w1'",
        "DELETE FROM user_sessions WHERE expires_at < datetime('now') OR is_active = 'false'",
    ]
}
