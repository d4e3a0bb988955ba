"""SCIM 2.0 (RFC 7643, 7644): a program elsewhere brings people and groups (protocol section 35).

`door` lets it in. Whatever needs `scim2_models` is imported by the first request that was let in: `people`, `groups`,
`description`, and what they read with (`resources`, `reading`, `patches`, `filters`).
"""
