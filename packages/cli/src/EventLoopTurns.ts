/**
 * When fibers that wait for their turn resume. Effect lets them wait for the next turn of the event loop, after all answers that came
 * meanwhile: then requests are sent together, are answered together, and each waits for all others. Here a fiber resumes in the same
 * turn, so the request after an answer is sent before the next answer is read.
 */
import * as Scheduler from "effect/Scheduler"

/** Milliseconds, after which timers, files and connections get their turn. */
const longest = 2

/** @param now in milliseconds */
export const make = (now: () => number = () => performance.now()): Scheduler.Scheduler => {
  let began: number | undefined
  const ended = () => {
    began = undefined
  }
  return new Scheduler.MixedScheduler("async", (task) => {
    let waits = true
    const run = () => {
      if (waits) task()
    }
    if (began === undefined) {
      began = now()
      setImmediate(ended)
    }
    if (now() - began < longest) queueMicrotask(run)
    else setImmediate(run)
    return () => {
      waits = false
    }
  })
}
