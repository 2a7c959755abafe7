/** The counts of this process's client. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

/** The client's counts: calls read (some twice), requests, and retries by reason. */
export interface Requests {
  readonly read: number
  readonly sent: number
  readonly retried: ReadonlyArray<readonly [reason: string, times: number]>
}

export const requests: Effect.Effect<Requests> = Effect.map(Metric.snapshot, (metrics) => {
  let sent = 0
  let read = 0
  const retried: Array<readonly [string, number]> = []
  for (const metric of metrics) {
    if (metric.type !== "Counter") continue
    const times = Number(metric.state.count)
    if (metric.id === "callstream_requests_total") sent += times
    if (metric.id === "callstream_sessions_total") read += times
    if (metric.id === "callstream_retries_total" && times > 0)
      retried.push([metric.attributes?.["reason"] ?? "", times])
  }
  return { read, sent, retried }
})
