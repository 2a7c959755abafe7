/**
 * The guarantee of each sink of a pipeline, computed from its delivery.
 *
 * @since 0.1.0
 */
import type { Delivery } from "../sink/SessionSink.ts"

/**
 * How often a row arrives in a sink, also when a run is killed.
 *
 * - `exactly once`: each row is there once.
 * - `at least once`: each row is there; a repeated one changes nothing if `repeats` is `harmless`, and is there
 *   twice if it is `visible`.
 * - `at most once`: a killed run does not resume, so its undelivered rows do not arrive.
 *
 * @since 0.1.0
 * @category models
 */
export interface Guarantee {
  readonly sink: string
  readonly delivery: Delivery
  readonly arrives: "exactly once" | "at least once" | "at most once"
  readonly repeats: "none" | "harmless" | "visible"
  /** Why, in a sentence without a capital and a full stop. */
  readonly because: string
}

const reasons: Readonly<Record<Delivery, Pick<Guarantee, "arrives" | "repeats" | "because">>> = {
  transactional: {
    arrives: "exactly once",
    repeats: "none",
    because: "it writes its offset in one transaction with the rows"
  },
  resumable: {
    arrives: "exactly once",
    repeats: "none",
    because: "a resumed run cuts off everything after the last checkpoint, and writes it again"
  },
  idempotent: {
    arrives: "at least once",
    repeats: "harmless",
    because: "rows after the last checkpoint are sent again under the same id, and change nothing"
  },
  append: {
    arrives: "at least once",
    repeats: "visible",
    because: "rows after the last checkpoint are written again, and nothing removes the first ones"
  }
}

/**
 * The guarantee of a sink. Without a durable checkpoint a killed run starts again: a transactional or resumable sink then
 * has nothing of the first run, or resumes at its own offset.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = (sink: string, delivery: Delivery, options: { readonly durable: boolean }): Guarantee => {
  const base = { sink, delivery, ...reasons[delivery] }
  if (options.durable || delivery === "transactional") return base
  switch (delivery) {
    case "resumable":
      return {
        ...base,
        because: "without a checkpoint a killed run leaves no finished file, and the next one starts again"
      }
    case "idempotent":
      return { ...base, because: "without a checkpoint the next run sends everything again under the same ids" }
    case "append":
      return {
        ...base,
        arrives: "at most once",
        repeats: "none",
        because: "without a checkpoint a killed run does not resume, and the next one writes everything again"
      }
  }
}

/**
 * The guarantee in one sentence.
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = ({ arrives, because, repeats, sink }: Guarantee): string =>
  `${sink}: each call ${arrives}${repeats === "harmless" ? " (a repeat changes nothing)" : repeats === "visible" ? " (a repeat is there twice)" : ""}, because ${because}.`
