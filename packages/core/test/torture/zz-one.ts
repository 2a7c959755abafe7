import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as References from "effect/References"
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as History from "@callstream/core/stream/History"
import * as Adversaries from "./Adversaries.ts"
import * as Adversary from "./Adversary.ts"
const seed = Number(process.argv[2]), limit = Number(process.argv[3] ?? 400)
const one = Adversaries.make(seed)
const began = Date.UTC(2026, 5, 1) * 1000
console.log(one.traits, JSON.stringify({...one.server}), one.range, one.read, one.rows.length, one.step)
const server = Adversary.serve(one.rows, one.server, { began, step: one.step, seed, limit })
const list: any = (q: any, o: any) => Effect.tapError(Effect.tap(server.client.list(q, o), (p) => Effect.sync(() => console.log(JSON.stringify(q), "x"))), (e: any) => Effect.sync(() => console.log(JSON.stringify(q), JSON.stringify(o), "FAIL", e.reason._tag)))
const exit = await Effect.runPromiseExit(Stream.runForEach(History.windows(one.range, one.read), (w) => Effect.sync(() => console.log("WINDOW", new Date(w.from/1000).toISOString(), new Date(w.to/1000).toISOString(), w.coverage, "y", w.revised))).pipe(
    Effect.provideService(AgniClient, AgniClient.of({ list })), Effect.provideService(References.MinimumLogLevel, "None")))
console.log(String((exit as any).cause).slice(0, 500))
