/**
 * What a pipeline promises of each of its sinks, computed from what the sinks can do.
 *
 * @since 0.1.0
 */
import type { Delivery } from "../sink/SessionSink.ts"

/**
 * How often a row arrives in a sink, whatever happens to the run.
 *
 * - `exactly once`: each row is there once.
 * - `at least once`: each row is there; one that comes again changes nothing when `repeats` is `harmless`, and is there
 *   twice when it is `visible`.
 * - `at most once`: a run that is killed does not go on, so what it had not delivered does not come.
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
    because: "it keeps how far it got in one transaction with the rows"
  },
  resumable: {
    arrives: "exactly once",
    repeats: "none",
    because: "a run that goes on cuts off what was written after the last checkpoint, and writes it again"
  },
  idempotent: {
    arrives: "at least once",
    repeats: "harmless",
    because: "what was sent after the last checkpoint is sent again under the same id, and changes nothing"
  },
  append: {
    arrives: "at least once",
    repeats: "visible",
    because: "what was written after the last checkpoint is written again, and nothing takes the first one back"
  }
}

/**
 * The guarantee of a sink. Without a durable checkpoint a run that is killed begins afresh: a transactional or resumable
 * sink then holds nothing of the first run, or goes on where it stands by its own account.
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
        because: "without a checkpoint a run that is killed leaves no finished file, and the next one begins afresh"
      }
    case "idempotent":
      return { ...base, because: "without a checkpoint the next run sends everything again under the same ids" }
    case "append":
      return {
        ...base,
        arrives: "at most once",
        repeats: "none",
        because: "without a checkpoint a run that is killed does not go on, and the next one writes everything again"
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
  `${sink}: each session ${arrives}${repeats === "harmless" ? " (a repeat changes nothing)" : repeats === "visible" ? " (a repeat is there twice)" : ""}, because ${because}.`
