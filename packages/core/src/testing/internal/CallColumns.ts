/** Facts of calls by their row. */
/** Facts of calls by their row, in typed arrays that grow. */
export class CallColumns {
  count = 0
  created: Float64Array
  /** NaN for a session that never starts. */
  start: Float64Array
  end: Float64Array
  visible: Float64Array
  leave: Float64Array
  agent: Uint16Array
  final: Uint8Array
  channel: Uint8Array

  constructor(capacity: number) {
    this.created = new Float64Array(capacity)
    this.start = new Float64Array(capacity)
    this.end = new Float64Array(capacity)
    this.visible = new Float64Array(capacity)
    this.leave = new Float64Array(capacity)
    this.agent = new Uint16Array(capacity)
    this.final = new Uint8Array(capacity)
    this.channel = new Uint8Array(capacity)
  }

  /** The next row. */
  allocate(): number {
    const i = this.count++
    if (i < this.created.length) return i
    const size = i * 2
    const wider = (from: Float64Array): Float64Array => {
      const to = new Float64Array(size)
      to.set(from)
      return to
    }
    this.created = wider(this.created)
    this.start = wider(this.start)
    this.end = wider(this.end)
    this.visible = wider(this.visible)
    this.leave = wider(this.leave)
    const agent = new Uint16Array(size)
    agent.set(this.agent)
    this.agent = agent
    const final = new Uint8Array(size)
    final.set(this.final)
    this.final = final
    const channel = new Uint8Array(size)
    channel.set(this.channel)
    this.channel = channel
    return i
  }
}
