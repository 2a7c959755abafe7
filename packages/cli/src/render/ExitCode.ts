/** Exit codes of the command. */

/** `done` 0, `failed` 1, `usage` 2, `incomplete` 3, `interrupted` 130. */
export const exitCode = { done: 0, failed: 1, usage: 2, incomplete: 3, interrupted: 130 } as const
