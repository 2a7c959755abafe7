/** How calls end, and by which channel they come, with how often. */
export const finalStatuses = ["completed", "ended", "no_answer", "failed", "busy", "voicemail", "error"] as const
export const statusWeights = [0.72, 0.06, 0.07, 0.05, 0.04, 0.05, 0.01]
/** Of calls that connect, in a life where others have no start. */
export const connectedWeights = [0.86, 0.06, 0, 0.02, 0, 0.05, 0.01]
/** Those of calls that were talked on: they get costs, recordings and analyses. */
export const finalWithCosts: ReadonlyArray<number> = [0, 1, 5]
/** Final statuses of calls that nobody answered. */
export const unanswered = [2, 3, 4, 6]

export const channels = ["inbound_call", "outbound_call", "web_call", "voice", "phone", "sip", "web"] as const
export const channelWeights = [0.34, 0.3, 0.1, 0.1, 0.08, 0.04, 0.04]

/** The place of a weight, by a number in [0, 1). */
export const pick = (weights: ReadonlyArray<number>, u: number): number => {
  let rest = u
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i] ?? 0
    if (rest < 0) return i
  }
  return 0
}

/** A session as a test may put it there; instants in µs. */
export interface NewSession {
  /** @default the server's now */
  readonly createdAt?: number | undefined
  /** `null` for one that never starts. @default `createdAt` */
  readonly startedAt?: number | null | undefined
  /** `null` for one that never ends. @default a minute after its start */
  readonly endedAt?: number | null | undefined
  /** From when it is listed. @default `createdAt` */
  readonly visibleAt?: number | undefined
  /** When it leaves. @default never */
  readonly leavesAt?: number | undefined
  /** Index of its agent. @default 0 */
  readonly agent?: number | undefined
  /** @default "completed" */
  readonly status?: (typeof finalStatuses)[number] | undefined
  /** @default "inbound_call" */
  readonly channel?: (typeof channels)[number] | undefined
}
