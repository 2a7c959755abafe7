import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { AgniClient } from "./src/client/AgniClient.ts"
import * as History from "./src/stream/History.ts"
import * as H from "./test/torture/Histories.ts"
const one = H.make(Number(process.argv[2]))
const w = H.open(one)
const exit = await Effect.runPromiseExit(
  Stream.runCollect(History.windows(one.range, one.read)).pipe(Effect.provideService(AgniClient, w.client))
)
if (exit._tag === "Failure") {
  console.log(String(exit.cause))
}
const ws = exit._tag === "Success" ? exit.value : []
const iso = (n: number) => new Date(n / 1000).toISOString()
const ids = ws.flatMap((x) => x.sessions.map((s) => s.id))
const miss = new Set(H.missed(one, w, ids))
const truth = w.simulator.truth().filter((t) => miss.has(t.id))
for (const x of ws)
  console.log(
    iso(x.from),
    iso(x.to),
    x.sessions.length,
    x.requests,
    x.coverage._tag,
    "reason" in x.coverage ? x.coverage.reason : "",
    truth
      .filter((t) => t.startedAt! >= x.from && t.startedAt! < x.to)
      .map((t) => t.id + " " + iso(t.startedAt!) + " created " + iso(t.createdAt))
      .join(" ")
  )
if (process.argv[3])
  for (const r of w.simulator.requests.slice(0, Number(process.argv[3]))) {
    const mark = r.ids.some((i) => miss.has(i)) ? "*" : ""
    console.log(
      r.number,
      iso(r.at).slice(11),
      decodeURIComponent(r.url.replace(/.*\?/, "")).replace(/started_/g, ""),
      r.outcome,
      r.ids.length,
      mark
    )
  }
