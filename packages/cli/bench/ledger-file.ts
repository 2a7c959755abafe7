/** What a ledger of a million calls in SQLite takes: its size, the time of a commit of a hundred changes, and memory. */
import * as Version from "@callstream/core/model/Version"
import { type Entry, Ledger } from "@callstream/core/sync/Ledger"
import * as SqlLedger from "@callstream/core/sync/SqlLedger"
import { NodeProcessOwner } from "@callstream/node"
import * as SqliteClient from "@callstream/node/SqliteClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const second = 1_000_000
const calls = 1_000_000
const page = 100
const origin = Date.parse("2026-07-01T00:00:00Z") * 1000

/** The same for each place: a call every nine seconds, as it is when it is read so long after its creation. */
const entryOf = (place: number, age: number, changed: number, isDue: boolean): Entry => {
  const hash = createHash("sha256").update(String(place)).digest()
  const created = origin + 9 * place * second
  const millis = (created / 1000).toString(16).padStart(12, "0")
  const hex = hash.toString("hex")
  const at = created + age
  return {
    id: `${millis.slice(0, 8)}-${millis.slice(8)}-7${hex.slice(0, 3)}-8${hex.slice(3, 6)}-${hex.slice(6, 18)}`,
    start: place % 7 === 0 ? undefined : created + 12 * second + hash.readUInt16BE(10),
    created,
    ended: created + 90 * second,
    agent: `agent ${place % 20}`,
    status: "answered",
    digests: [12, 16, 20, 24, 28].map((from) => hash.readUInt32BE(from)),
    milestones: ["completed"],
    lacks: ["recording"],
    sequence: Version.of(at + (place % page)),
    readAt: at,
    firstSeen: created + 300 * second,
    born: place + 1,
    changed,
    due: isDue ? at + 3600 * second : undefined,
    doubted: undefined,
    gone: undefined,
    owed: false,
    counted: false,
    shown: "shown",
    row: undefined
  }
}

export const measureLedger = async () => {
  const folder = mkdtempSync(join(tmpdir(), "callstream-bench-"))
  const filename = join(folder, "state.db")
  writeFileSync(filename, "")
  chmodSync(filename, 0o600)
  const layer = SqlLedger.layer({ name: "state.db", client: SqliteClient.layer({ filename }) })
  const took: Array<number> = []
  /** The peak in each quarter. */
  const megabytes: Array<number> = []
  await Effect.runPromise(
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const lease = yield* ledger.open("calls", { source: "sync", filters: "" })
      let head = 0
      const resident = () => process.memoryUsage().rss / 2 ** 20
      // Each page is noted when it is new, again soon, and a day later, when little is still expected of it.
      for (let from = 0; from < calls; from += page) {
        const part = Math.floor((4 * from) / calls)
        megabytes[part] = Math.max(megabytes[part] ?? 0, resident())
        for (const [back, isDue] of [
          [0, true],
          [5 * page, true],
          [100 * page, from % 1000 === 0]
        ] as const) {
          if (from < back) continue
          const entries = Array.from({ length: page }, (_, i) =>
            entryOf(from - back + i, 300 * second + 9 * back * second, ++head, isDue)
          )
          const begin = performance.now()
          yield* lease.note({ state: null, head, entries })
          took.push(performance.now() - begin)
        }
      }
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(layer, NodeProcessOwner.layer)))
  )
  const database = new DatabaseSync(filename)
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  database.close()
  const size = statSync(filename).size / 1e6
  rmSync(folder, { recursive: true })
  took.sort((left, right) => left - right)
  const at = (share: number) => took[Math.floor(share * took.length)] ?? 0
  return { calls, size, half: at(0.5), most: at(0.99), megabytes }
}
