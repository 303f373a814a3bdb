import type { ReactNode } from "react";
import { useForm } from "../hooks/use-form.ts";
import { ErrorNote } from "./notes.tsx";

interface PublicFormProps {
  /** An example; absent: it has a title already. */
  titleExample?: string;
  messageExample: string;
  /** On the button. */
  submit: string;
  /** Above the button: what sending it does. */
  note?: string;
  /** @param text what is in a field, trimmed; "" where there is none */
  send(text: (name: string) => string, values: FormData): Promise<void>;
  /** Fields of its own, below the message. */
  children: ReactNode;
}

/** What is written for everybody to read on the status page: a title, a message, and what it is about. */
export function PublicForm({
  titleExample,
  messageExample,
  submit,
  note,
  send,
  children,
}: PublicFormProps): ReactNode {
  const { error, isBusy, onSubmit } = useForm((values) =>
    send((name) => String(values.get(name) ?? "").trim(), values),
  );
  return (
    <form className="writing" onSubmit={onSubmit}>
      {titleExample !== undefined && (
        <label>
          <span>Title</span>
          <input name="title" required maxLength={200} placeholder={titleExample} />
        </label>
      )}
      <label>
        <span>What people read</span>
        <textarea name="message" required rows={3} maxLength={10_000} placeholder={messageExample} />
      </label>
      {children}
      {note !== undefined && <p className="quiet">{note}</p>}
      <ErrorNote error={error} />
      <button type="submit" className="primary" disabled={isBusy}>
        {isBusy ? "Sending…" : submit}
      </button>
    </form>
  );
}
