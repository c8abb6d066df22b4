// Typed events, and scopes that end every subscription made in them.

export type Listener<T> = (value: T) => void;
export type Unsubscribe = () => void;

export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onFault: (error: unknown) => void;

  /** onFault hears what listeners throw: one bad listener must not stop the others. */
  constructor(onFault: (error: unknown) => void = () => {}) {
    this.#onFault = onFault;
  }

  on<K extends keyof Events>(name: K, listener: Listener<Events[K]>): Unsubscribe {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    // A wrapper makes each subscription its own: the same function may be subscribed twice.
    const own: Listener<Events[K]> = (value) => listener(value);
    set.add(own as Listener<never>);
    return () => void set.delete(own as Listener<never>);
  }

  once<K extends keyof Events>(name: K, listener: Listener<Events[K]>): Unsubscribe {
    const off = this.on(name, (value) => {
      off();
      listener(value);
    });
    return off;
  }

  emit<K extends keyof Events>(name: K, value: Events[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Events[K]>)(value);
      } catch (error) {
        this.#onFault(error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}

/** A lifetime: everything added is undone, last first, when it ends. */
export class Scope {
  readonly #undo = new Set<Unsubscribe>();
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** Runs undo when the scope ends (at once if it has ended already). The result undoes it now. */
  add(undo: Unsubscribe): Unsubscribe {
    if (this.#ended) {
      undo();
      return () => {};
    }
    this.#undo.add(undo);
    return () => {
      if (this.#undo.delete(undo)) undo();
    };
  }

  listen(target: EventTarget, name: string, listener: (event: Event) => void): Unsubscribe {
    if (this.#ended) return () => {};
    target.addEventListener(name, listener);
    return this.add(() => target.removeEventListener(name, listener));
  }

  timeout(run: () => void, ms: number): Unsubscribe {
    if (this.#ended) return () => {};
    const id = setTimeout(() => {
      cancel();
      run();
    }, ms);
    const cancel = this.add(() => clearTimeout(id));
    return cancel;
  }

  interval(run: () => void, ms: number): Unsubscribe {
    if (this.#ended) return () => {};
    const id = setInterval(run, ms);
    return this.add(() => clearInterval(id));
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const undo = [...this.#undo].reverse();
    this.#undo.clear();
    for (const step of undo) step();
  }
}
