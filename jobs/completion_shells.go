package jobs

import (
	"context"
	"io"
	"slices"
	"strings"
	"unicode"
)

// shells are the scripts that make a shell ask this program, whose name is NAME and in names of
// functions FUNC.
var shells = []struct{ name, script string }{
	{"bash", `# bash completion for NAME; in ~/.bashrc: source <(COMMAND bash)
_FUNC() {
	local line IFS=$'\n'
	COMPREPLY=()
	for line in $("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
		line=${line%%$'\t'*}
		if [[ $line == :files ]]; then
			compopt -o default
		else
			COMPREPLY+=("$line")
		fi
	done
}
complete -F _FUNC NAME
`},
	{"zsh", `#compdef NAME
# zsh completion for NAME; in ~/.zshrc, after compinit: source <(COMMAND zsh)
_FUNC() {
	local line
	local -a found
	for line in ${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
		if [[ $line == :files* ]]; then
			_files
		else
			found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
		fi
	done
	_describe -V NAME found
}
compdef _FUNC NAME
`},
	{"fish", `# fish completion for NAME; in ~/.config/fish/config.fish: COMMAND fish | source
function __FUNC
	set -l words (commandline -opc) (commandline -ct)
	for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
		if string match -q ':files*' -- $line
			__fish_complete_path (commandline -ct)
		else
			echo $line
		end
	end
end
complete -c NAME -f -a '(__FUNC)'
`},
}

func shellNames() (all []string) {
	for _, s := range shells {
		all = append(all, s.name)
	}
	return all
}

func completeShells(words []string) []Completion { return completeNames(words, shellNames()) }

func (a *app) completion(_ context.Context, words []string, out io.Writer) error {
	command := program + " completion"
	if a.only != nil {
		command = program + " --completion"
	}
	if len(words) != 1 {
		return usagef("which shell? %s bash, zsh or fish", command)
	}
	i := slices.Index(shellNames(), words[0])
	if i < 0 {
		return usagef("no completion for %q: there is bash, zsh and fish", words[0])
	}
	function := strings.Map(func(r rune) rune {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, program)
	_, err := io.WriteString(out, strings.NewReplacer("COMMAND", command, "NAME", program, "FUNC", function).Replace(shells[i].script))
	return err
}
