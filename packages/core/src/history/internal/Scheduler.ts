/**
 * Runs tasks in parallel, and delivers their results in order. It knows only that a task may be split, and that an idle worker
 * may steal a part of it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** The result of a task: outputs, and perhaps an error after them, or tasks that replace it, from the oldest to the newest. */
export type Work<Task, Out, E> =
  | { readonly _tag: "Done"; readonly outputs: ReadonlyArray<Out>; readonly failure?: E | undefined }
  | { readonly _tag: "Split"; readonly parts: ReadonlyArray<Task> }

/** Hands the older part of a task to an idle worker; whether there was one. */
export type HandOver<Task> = (part: Task) => Effect.Effect<boolean>

interface Options<Task, Out, E> {
  readonly concurrency: number
  /** So many workers are enough: nobody steals for one more. As many as there are, unless given. */
  readonly enough?: number | undefined
  readonly work: (task: Task, handOver: HandOver<Task>) => Effect.Effect<Work<Task, Out, E>, E>
  /** Whether an output takes memory: a task that is done and brought none that does holds back nobody. @default each does */
  readonly takesMemory?: ((output: Out) => boolean) | undefined
  /** Whether tasks are given, and their results delivered, from the newest to the oldest. @default false */
  readonly newestFirst?: boolean | undefined
  /** Makes of an output the one that is delivered: of all in order, one after another. @default the output */
  readonly deliver?: ((output: Out) => Effect.Effect<Out, E>) | undefined
  /** Run when no task is left and `deliver` has had all outputs, also where nobody has taken the last ones yet. @default nothing */
  readonly ended?: Effect.Effect<void> | undefined
}

/** From the oldest to the newest, as results are, in the order of delivery. */
const inOrder = <A>({ newestFirst = false }: { readonly newestFirst?: boolean | undefined }, all: ReadonlyArray<A>) =>
  newestFirst ? all.toReversed() : all

interface Node<Task, Out, E> {
  readonly task: Task
  state: "waiting" | "begun" | "done"
  exit: Exit.Exit<Work<Task, Out, E>, E> | undefined
  /** Its outputs, once they are what is delivered of them. */
  delivered: ReadonlyArray<Out> | undefined
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
          Effect.map(next(queue), (done) => (done === undefined ? undefined : ([done, undefined] as const)))
        ),
        ({ failure, outputs }) =>
          failure === undefined
            ? Stream.fromIterable(outputs)
            : Stream.concat(Stream.fromIterable(outputs), Stream.fail(failure))
      )
    })
  )

interface Queue<Task, Out, E> {
  readonly options: Options<Task, Out, E>
  readonly takesMemory: (output: Out) => boolean
  readonly scope: Scope.Scope
  readonly source: Iterator<Task>
  /** In order: those that are begun or done, and parts of others that wait. */
  readonly nodes: Array<Node<Task, Out, E>>
  busy: number
  /** Whether the source has no more tasks. */
  exhausted: boolean
  /** Resolved when a task ends. */
  changed: Deferred.Deferred<void>
  /** Whether `ended` was run. */
  ended: boolean
}

const makeQueue = <Task, Out, E>(
  scope: Scope.Scope,
  tasks: Iterable<Task>,
  options: Options<Task, Out, E>
): Queue<Task, Out, E> => ({
  options,
  takesMemory: options.takesMemory ?? (() => true),
  scope,
  source: tasks[Symbol.iterator](),
  nodes: [],
  busy: 0,
  exhausted: false,
  changed: Deferred.makeUnsafe<void>(),
  ended: false
})

const nodeOf = <Task, Out, E>(task: Task): Node<Task, Out, E> => ({
  task,
  state: "waiting",
  exit: undefined,
  delivered: undefined
})

/** Tasks that are worked on, or are done and wait in memory. */
const held = <Task, Out, E>({ nodes, takesMemory }: Queue<Task, Out, E>): number => {
  const isHeld = ({ exit, state }: Node<Task, Out, E>): boolean =>
    state === "begun" ||
    (exit !== undefined && Exit.isSuccess(exit) && exit.value._tag === "Done" && exit.value.outputs.some(takesMemory))
  return nodes.reduce((sum, node) => (isHeld(node) ? sum + 1 : sum), 0)
}

/** The first task that waits, or the next one of the source. */
const take = <Task, Out, E>(queue: Queue<Task, Out, E>): Node<Task, Out, E> | undefined => {
  const waiting = queue.nodes.find((node) => node.state === "waiting")
  if (waiting !== undefined || queue.exhausted) return waiting
  const next = queue.source.next()
  if (next.done === true) {
    queue.exhausted = true
    return undefined
  }
  const node = nodeOf<Task, Out, E>(next.value)
  queue.nodes.push(node)
  return node
}

/** Begins as many tasks as may be worked on. */
const fill = <Task, Out, E>(queue: Queue<Task, Out, E>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { concurrency } = queue.options
    // The first in order must never wait for those behind it.
    const mayBegin = queue.busy < concurrency && (held(queue) < concurrency || queue.nodes[0]?.state === "waiting")
    const node = mayBegin ? take(queue) : undefined
    return node === undefined ? Effect.void : Effect.andThen(begin(queue, node), fill(queue))
  })

const begin = <Task, Out, E>(queue: Queue<Task, Out, E>, node: Node<Task, Out, E>): Effect.Effect<void> => {
  queue.busy++
  node.state = "begun"
  return Effect.asVoid(
    Effect.forkIn(
      queue.options.work(node.task, handOver(queue, node)).pipe(
        Effect.onExit((exit) => {
          queue.busy--
          settle(queue, node, exit)
          return Effect.andThen(Deferred.succeed(queue.changed, undefined), fill(queue))
        })
      ),
      queue.scope
    )
  )
}

const settle = <Task, Out, E>(
  { nodes, options }: Queue<Task, Out, E>,
  node: Node<Task, Out, E>,
  exit: Exit.Exit<Work<Task, Out, E>, E>
): void => {
  if (Exit.isSuccess(exit) && exit.value._tag === "Split") {
    const parts = inOrder(options, exit.value.parts)
    nodes.splice(nodes.indexOf(node), 1, ...parts.map((task) => nodeOf<Task, Out, E>(task)))
    return
  }
  node.state = "done"
  node.exit = exit
}

const handOver =
  <Task, Out, E>(queue: Queue<Task, Out, E>, node: Node<Task, Out, E>): HandOver<Task> =>
  (part) =>
    Effect.suspend(() => {
      const { exhausted, nodes, options } = queue
      const { concurrency, enough = concurrency } = options
      // Where memory is full, all wait for the first one: to share another one helps nobody.
      const mayHelp = exhausted || (node === nodes[0] && held(queue) >= concurrency)
      const idle = queue.busy < Math.min(enough, concurrency) && mayHelp
      if (!idle || nodes.some((other) => other.state === "waiting")) return Effect.succeed(false)
      const given = nodeOf<Task, Out, E>(part)
      nodes.splice(nodes.indexOf(node) + (options.newestFirst === true ? 1 : 0), 0, given)
      return Effect.as(begin(queue, given), true)
    })

/** The outputs of a task that is done, in order. One that failed has none. */
const deliver = Effect.fnUntraced(function* <Task, Out, E>(
  { options }: Queue<Task, Out, E>,
  node: Node<Task, Out, E>
): Effect.fn.Return<ReadonlyArray<Out>, E> {
  if (node.delivered !== undefined) return node.delivered
  const work = node.exit === undefined ? undefined : yield* node.exit
  const outputs = inOrder(options, work?._tag === "Done" ? work.outputs : [])
  node.delivered = options.deliver === undefined ? outputs : yield* Effect.forEach(outputs, options.deliver)
  return node.delivered
})

/** Delivers all that is left, when no task is: what waits for the last output need not wait until somebody has taken it. */
const end = Effect.fnUntraced(function* <Task, Out, E>(queue: Queue<Task, Out, E>): Effect.fn.Return<void, E> {
  const { nodes, options } = queue
  const isOver = queue.exhausted && nodes.every(({ exit }) => exit !== undefined && succeeded(exit))
  if (options.ended === undefined || queue.ended || !isOver) return
  queue.ended = true
  for (const node of nodes) yield* deliver(queue, node)
  yield* options.ended
})

const succeeded = <Task, Out, E>(exit: Exit.Exit<Work<Task, Out, E>, E>): boolean =>
  Exit.isSuccess(exit) && exit.value._tag === "Done" && exit.value.failure === undefined

/** The first task in order, once it is done; nothing after the last one. */
const next = <Task, Out, E>(
  queue: Queue<Task, Out, E>
): Effect.Effect<{ readonly outputs: ReadonlyArray<Out>; readonly failure: E | undefined } | undefined, E> =>
  Effect.flatMap(fill(queue), () => {
    const [first] = queue.nodes
    if (first === undefined) return Effect.as(end(queue), undefined)
    const { exit } = first
    if (exit === undefined) {
      const changed = Deferred.makeUnsafe<void>()
      queue.changed = changed
      return Effect.flatMap(Deferred.await(changed), () => next(queue))
    }
    return Effect.gen(function* () {
      yield* end(queue)
      const outputs = yield* deliver(queue, first)
      queue.nodes.shift()
      const work = yield* exit
      return { outputs, failure: work._tag === "Done" ? work.failure : undefined }
    })
  })
