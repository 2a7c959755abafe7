/** The counts of this process's client. */
import { ClientMetrics } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/** The client's counts: calls read (some twice), requests, and retries by reason. */
export interface Requests {
  readonly read: number
  readonly sent: number
  /** Workers do not report it. */
  readonly retried: undefined | ReadonlyArray<readonly [reason: string, times: number]>
}

export const requests: Effect.Effect<Requests> = Effect.map(Metric.snapshot, (metrics) => {
  let sent = 0
  let read = 0
  const retried = new Map<string, number>()
  for (const { attributes = {}, id, state } of metrics) {
    if (!("count" in state)) continue
    const times = Number(state.count)
    if (id === ClientMetrics.requestDuration.id) sent += times
    if (id === ClientMetrics.calls.id) read += times
    if (id === ClientMetrics.retries.id && times > 0) {
      const reason = attributes["callstream.retry.reason"] ?? ""
      retried.set(reason, (retried.get(reason) ?? 0) + times)
    }
  }
  return { read, sent, retried: [...retried] }
})
