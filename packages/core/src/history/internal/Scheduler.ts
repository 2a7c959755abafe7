/**
 * Runs tasks in parallel, and delivers their results in order. It knows only that a task may be split, and that an idle worker
 * may steal a part of it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** The result of a task: outputs, and perhaps an error after them, or tasks that replace it, in order. */
export type Work<Task, Out, E> =
  | { readonly _tag: "Done"; readonly outputs: ReadonlyArray<Out>; readonly failure?: E | undefined }
  | { readonly _tag: "Split"; readonly parts: ReadonlyArray<Task> }

/** Hands the part of a task that comes before all that is left of it to an idle worker; whether there was one. */
export type HandOver<Task> = (part: Task) => Effect.Effect<boolean>

interface Options<Task, Out, E> {
  readonly concurrency: number
  readonly work: (task: Task, handOver: HandOver<Task>) => Effect.Effect<Work<Task, Out, E>, E>
  /** Whether an output takes memory: a task that is done and brought none that does holds back nobody. @default each does */
  readonly takesMemory?: ((output: Out) => boolean) | undefined
}

interface Node<Task, Out, E> {
  readonly task: Task
  state: "waiting" | "begun" | "done"
  exit: Exit.Exit<Work<Task, Out, E>, E> | undefined
}

/**
 * As many tasks as there are workers are worked on, or are done and wait for their turn: what comes of them is held in memory.
 * The first in order are begun first. Tasks are taken from the list when they are begun.
 */
export const run = <Task, Out, E>(tasks: Iterable<Task>, options: Options<Task, Out, E>): Stream.Stream<Out, E> =>
  Stream.unwrap(
    Effect.map(Effect.scope, (scope) => {
      const queue = makeQueue(scope, tasks, options)
      return Stream.flatMap(
        Stream.unfold(undefined, () =>
          Effect.map(queue.next, (done) => (done === undefined ? undefined : ([done, undefined] as const)))
        ),
        ({ failure, outputs }) =>
          failure === undefined
            ? Stream.fromIterable(outputs)
            : Stream.concat(Stream.fromIterable(outputs), Stream.fail(failure))
      )
    })
  )

const makeQueue = <Task, Out, E>(
  scope: Scope.Scope,
  tasks: Iterable<Task>,
  { concurrency, takesMemory = () => true, work }: Options<Task, Out, E>
) => {
  const source = tasks[Symbol.iterator]()
  /** In order: those that are begun or done, and parts of others that wait. */
  const nodes: Array<Node<Task, Out, E>> = []
  const state = { busy: 0, exhausted: false, changed: Deferred.makeUnsafe<void>() }

  const isHeld = ({ exit, state }: Node<Task, Out, E>): boolean =>
    state === "begun" ||
    (exit !== undefined && Exit.isSuccess(exit) && exit.value._tag === "Done" && exit.value.outputs.some(takesMemory))
  const held = () => nodes.reduce((sum, node) => (isHeld(node) ? sum + 1 : sum), 0)

  const take = (): Node<Task, Out, E> | undefined => {
    const waiting = nodes.find((node) => node.state === "waiting")
    if (waiting !== undefined || state.exhausted) return waiting
    const next = source.next()
    if (next.done === true) {
      state.exhausted = true
      return undefined
    }
    const node: Node<Task, Out, E> = { task: next.value, state: "waiting", exit: undefined }
    nodes.push(node)
    return node
  }

  const fill: Effect.Effect<void> = Effect.suspend(() => {
    // The first in order must never wait for those behind it.
    const first = nodes[0]
    const mayBegin = state.busy < concurrency && (held() < concurrency || first?.state === "waiting")
    const node = mayBegin ? take() : undefined
    return node === undefined ? Effect.void : Effect.andThen(begin(node), fill)
  })

  const begin = (node: Node<Task, Out, E>): Effect.Effect<void> => {
    state.busy++
    node.state = "begun"
    return Effect.asVoid(
      Effect.forkIn(
        work(node.task, handOver(node)).pipe(
          Effect.onExit((exit) => {
            state.busy--
            settle(node, exit)
            return Effect.andThen(Deferred.succeed(state.changed, undefined), fill)
          })
        ),
        scope
      )
    )
  }

  const settle = (node: Node<Task, Out, E>, exit: Exit.Exit<Work<Task, Out, E>, E>): void => {
    if (Exit.isSuccess(exit) && exit.value._tag === "Split") {
      const parts = exit.value.parts.map((task): Node<Task, Out, E> => ({ task, state: "waiting", exit: undefined }))
      nodes.splice(nodes.indexOf(node), 1, ...parts)
      return
    }
    node.state = "done"
    node.exit = exit
  }

  const handOver =
    (node: Node<Task, Out, E>): HandOver<Task> =>
    (part) =>
      Effect.suspend(() => {
        const idle = state.busy < concurrency && (state.exhausted || held() >= concurrency)
        if (!idle || nodes.some((other) => other.state === "waiting")) return Effect.succeed(false)
        const given: Node<Task, Out, E> = { task: part, state: "waiting", exit: undefined }
        nodes.splice(nodes.indexOf(node), 0, given)
        return Effect.as(begin(given), true)
      })

  const next: Effect.Effect<{ readonly outputs: ReadonlyArray<Out>; readonly failure?: E | undefined } | undefined, E> =
    Effect.suspend(() =>
      Effect.flatMap(fill, () => {
        const [first] = nodes
        if (first === undefined) return Effect.undefined
        if (first.exit === undefined) {
          const changed = Deferred.makeUnsafe<void>()
          state.changed = changed
          return Effect.flatMap(Deferred.await(changed), () => next)
        }
        nodes.shift()
        return Effect.flatMap(first.exit, (done) => (done._tag === "Done" ? Effect.succeed(done) : next))
      })
    )

  return { next }
}
