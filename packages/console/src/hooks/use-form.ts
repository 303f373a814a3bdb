import { type FormEvent, useState } from "react";

interface Form {
  error: Error | undefined;
  isBusy: boolean;
  onSubmit(event: FormEvent<HTMLFormElement>): void;
}

/** A form that is sent once at a time, keeps what was written where that fails, and is empty where it went well. */
export function useForm(send: (values: FormData) => Promise<void>): Form {
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await send(new FormData(form));
      form.reset();
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
    }
  };
  return {
    error,
    isBusy,
    onSubmit: (event) => {
      event.preventDefault();
      if (!isBusy) void submit(event.currentTarget);
    },
  };
}
