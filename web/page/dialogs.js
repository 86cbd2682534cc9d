// The dialogs that ask. Escape is the same as Cancel.

const part = (id) => document.getElementById(id);

// Whether it is wanted.
export function confirm({ title, text, yes }) {
  const dialog = part("confirm");
  part("confirm-title").textContent = title;
  part("confirm-text").textContent = text;
  part("confirm-yes").textContent = yes;
  return answered(dialog, (end) => {
    part("confirm-yes").onclick = () => end(true);
    part("confirm-no").onclick = () => end(false);
    part("confirm-no").focus();
  });
}

// Asks for a name until `take` takes it: true if it has.
export function rename(name, take) {
  const dialog = part("rename");
  const input = part("rename-name");
  const wrong = part("rename-wrong");
  part("rename-title").textContent = `Rename ${name}`;
  input.value = name;
  wrong.textContent = "";
  return answered(dialog, (end) => {
    part("rename-cancel").onclick = () => end(false);
    part("rename-form").onsubmit = async (event) => {
      event.preventDefault();
      try {
        await take(input.value);
        end(true);
      } catch (error) {
        wrong.textContent = error.message;
        input.focus();
      }
    };
    input.focus();
    const ending = name.lastIndexOf(".");
    input.setSelectionRange(0, ending > 0 ? ending : name.length);
  });
}

function answered(dialog, begin) {
  return new Promise((resolve) => {
    let answer = false;
    dialog.onclose = () => resolve(answer);
    dialog.showModal();
    begin((given) => {
      answer = given;
      dialog.close();
    });
  });
}
