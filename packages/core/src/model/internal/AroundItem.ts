/** An item around another one, whose row is decoded only when it is read. */
import type * as Instant from "../Instant.ts"
import type { Item, JsonBytes } from "../Item.ts"
import type * as Version from "../Version.ts"

/** What it does not change, it reads from the other one. A class: copies would decode each row. */
export abstract class AroundItem<out A> implements Pick<Item<A>, "id" | "start" | "created" | "version" | "json"> {
  protected readonly item: Item<A>

  constructor(item: Item<A>) {
    this.item = item
  }

  get id(): string {
    return this.item.id
  }
  get start(): Instant.Instant | undefined {
    return this.item.start
  }
  get created(): Instant.Instant | undefined {
    return this.item.created
  }
  get version(): Version.Version | undefined {
    return this.item.version
  }
  get json(): JsonBytes | undefined {
    return this.item.json
  }
}
