import type { FilesView } from "../layers/layer-reader.ts";

/** Views that several builds may use at the same time. */
export class SharedViews<V extends FilesView> {
  /** By what they are of, and what of that is wanted. */
  readonly #views = new Map<object, Map<string, V>>();
  readonly #users = new Map<FilesView, number>();

  /**
   * The view of something: the one there is, else a new one.
   *
   * @param selection what is wanted of it, as plain data: only who wants the same shares a view.
   */
  view(of: object, selection: unknown, make: () => V): V {
    const key = JSON.stringify(selection);
    const views = this.#views.get(of) ?? new Map<string, V>();
    this.#views.set(of, views);
    const view = views.get(key) ?? make();
    views.set(key, view);
    this.#users.set(view, (this.#users.get(view) ?? 0) + 1);
    return view;
  }

  /** Says that one user is done with a view. Gives how many are not: none for a view of another kind. */
  leave(view: FilesView): number {
    const others = Math.max(0, (this.#users.get(view) ?? 0) - 1);
    this.#users.set(view, others);
    return others;
  }
}
