/// The contract's tables of version 1.0.0, written down a second time: name, columns in order, `*` for NOT NULL, `=` before a default.
/// Where a time says nothing else, its default is CURRENT_TIMESTAMP.
enum ContractTables {
    static let times = "created_at=CURRENT_TIMESTAMP updated_at=CURRENT_TIMESTAMP"

    static let columns: [String: String] = [
        "usage_logs": """
        id user_id* request_id* model* input_tokens*=0 output_tokens*=0 total_tokens*=0 cost*=0 latency*=0 status*='success' \
        error_message ip_address user_agent \(times)
        """,
        "rate_limits": """
        id user_id* requests_count=0 window_start=CURRENT_TIMESTAMP window_end=CURRENT_TIMESTAMP window_type*='minute' \(times)
        """,
        "api_keys": """
        id user_id* key_hash* name description permissions='read,write' rate_limit_minute=60 rate_limit_hour=1000 \
        rate_limit_day=10000 usage_quota_tokens=100000 usage_quota_cost=10.0 is_active=TRUE expires_at=CURRENT_TIMESTAMP \
        last_used_at=CURRENT_TIMESTAMP \(times)
        """,
        "conversations": """
        id user_id* title model* message_count=0 total_tokens=0 total_cost=0.0 is_active=TRUE metadata \(times)
        """,
        "messages": "id conversation_id* user_id* role* content* tokens=0 model metadata created_at=CURRENT_TIMESTAMP",
        "user_preferences": """
        user_id default_model temperature max_tokens enable_streaming enable_tool_calling privacy_mode metadata \(times)
        """,
        "model_pricing": """
        id model* provider* prompt_cost_per_1k* completion_cost_per_1k* currency='USD' is_active=TRUE \(times)
        """,
        "webhooks": "id user_id* url* events* secret is_active=TRUE last_delivery_at=NULL \(times)",
        "audit_logs": """
        id user_id* action* resource_type* resource_id ip_address user_agent metadata created_at=CURRENT_TIMESTAMP
        """,
        "user_sessions": """
        id user_id* token_hash* ip_address user_agent expires_at*=CURRENT_TIMESTAMP is_active=TRUE \
        last_activity_at=CURRENT_TIMESTAMP \(times)
        """,
        "daily_usage_stats": """
        id date* user_id model total_requests=0 total_tokens=0 total_cost=0 avg_latency=0 success_rate \(times)
        """,
        "system_metrics": "id metric_name* metric_value* metric_unit tags timestamp=CURRENT_TIMESTAMP",
        "feature_flags": """
        id flag_name* is_enabled=FALSE rollout_percentage=0 target_users conditions description \(times)
        """,
        "schema_metadata": "key value* \(times)",
    ]

    /// Column lists that the contract calls a key.
    static let keys: [String: [String]] = [
        "usage_logs": ["request_id"], "api_keys": ["id", "key_hash"], "model_pricing": ["id", "model"],
        "user_sessions": ["id", "token_hash"], "daily_usage_stats": ["id", "date,user_id,model"],
        "feature_flags": ["id", "flag_name"], "schema_metadata": ["key"], "rate_limits": ["id"],
        "conversations": ["id"],
        "messages": ["id"], "user_preferences": ["user_id"], "webhooks": ["id"], "audit_logs": ["id"],
        "system_metrics": ["id"],
    ]

    static func names(_ table: String) -> [String] {
        (columns[table] ?? "").split(separator: " ").map { String($0.prefix { $0 != "*" && $0 != "=" }) }
    }
}
