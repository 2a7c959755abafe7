/**
 * Where a sync keeps what it knows of each recent call: ids, times and digests, and none of its content.
 *
 * @since 0.1.0
 */
import type { LedgersStore } from "@callstream/client/bridge"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

const inMemory = (): LedgersStore => {
  const ledgers = new Map<string, Map<string, string>>()
  return {
    name: "the ledger in memory",
    read: (ledger) => Promise.resolve(ledgers.get(ledger) ?? []),
    write: (ledger, { put, remove }) => {
      const kept = ledgers.get(ledger) ?? new Map<string, string>()
      ledgers.set(ledger, kept)
      for (const [key, value] of put) kept.set(key, value)
      for (const key of remove) kept.delete(key)
      return Promise.resolve()
    }
  }
}

/**
 * Ledgers by name. `StoredLedger.layer` keeps them where you choose.
 *
 * @since 0.1.0
 * @category services
 */
export class Ledger extends Context.Tag("@callstream/effect3/Ledger")<Ledger, LedgersStore>() {
  /**
   * Ledgers that last as long as the layer.
   */
  static readonly layerMemory: Layer.Layer<Ledger> = Layer.sync(Ledger, inMemory)
}
