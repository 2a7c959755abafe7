/**
 * What became of a call, as one word: the vendor's statuses are open text in several spellings.
 *
 * @since 0.1.0
 */

/**
 * Each outcome with the statuses that it stands for, in letters alone: `in_progress`, `in-progress` and `In Progress` are one
 * status. A status that is not here is `other`.
 */
const statuses = {
  completed: ["completed", "ended"],
  missed: ["noanswer", "missed"],
  busy: ["busy"],
  voicemail: ["voicemail"],
  failed: ["failed", "error"],
  "in progress": ["inprogress", "ringing", "pending", "active", "queued"],
  other: []
} as const satisfies Readonly<Record<string, ReadonlyArray<string>>>

/**
 * - `completed`: it was answered and has ended.
 * - `missed`, `busy`, `voicemail`, `failed`: it has ended without a conversation.
 * - `in progress`: it has not ended yet.
 * - `other`: any other status, and none.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = keyof typeof statuses

/**
 * Every outcome, in the order in which people read them.
 *
 * @since 0.1.0
 * @category constants
 */
export const all: ReadonlyArray<Outcome> = [
  "completed",
  "missed",
  "busy",
  "voicemail",
  "failed",
  "in progress",
  "other"
]

const known: ReadonlyMap<string, Outcome> = new Map(
  all.flatMap((outcome) => statuses[outcome].map((status): [string, Outcome] => [status, outcome]))
)

/** Letters alone, so that all spellings of a status are one. */
const lettersOf = (status: string): string => status.toLowerCase().replace(/[\s_-]+/g, "")

/**
 * The outcome that a status stands for, whatever its spelling. Nearly all statuses are spelt as documented, and are looked
 * up as they are.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofStatus = (status: unknown): Outcome =>
  typeof status === "string" ? (known.get(status) ?? known.get(lettersOf(status)) ?? "other") : "other"
